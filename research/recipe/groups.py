"""The groups of a recipe: fields that are set together stand together.

Sizes are (height, width) in pixels.
"""

import dataclasses
from typing import Literal

from roadseg.recipe.protocol import Protocol

Scalar = bool | int | float | str


@dataclasses.dataclass(frozen=True)
class Top:
    """What stands in no group: the names of a run, and the numbers that change most often."""

    name: str
    """Name of the recipe, and of the run folder if none is given."""
    task: Literal["segmentation", "sampling_grid", "flow", "two_cameras"]
    """What is learned: class logits, the sampling grid (of a sampler), the optical flow
    between two images, or the class logits of two cameras' views."""
    source: str
    """Where the numbers were published."""
    measured: str = "not trained here"
    """mIoU, steps, hardware and date of a run of our own, or that there was none."""
    model: str = "deeplabv3_mobilenet_v2"
    """Name in `roadseg.list_models()`; for the task 'sampling_grid' 'nus_sampler' (the published
    sampler), 'density_sampler' or 'prior_sampler'."""
    records: str = "records"
    """Folder of TFRecords that `roadseg convert` wrote, or others in the same schema."""
    split: str = "train"
    """Split to train on."""
    batch_size: int = 16
    """Images in a step, over all replicas and machines."""
    steps: int = 90_000
    """Optimiser steps of the whole run."""
    seed: int = 0
    """Seed of initial weights, data order and augmentation."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16", "float64"] = "float32"
    """Keras dtype policy; float64 is for comparisons with other programs."""
    xla: bool = False
    """Compile the step with XLA (GPUs only: depthwise layers are slow under XLA on CPUs)."""


@dataclasses.dataclass(frozen=True)
class Network:
    """The network's arguments, and what stands around it."""

    options: dict[str, Scalar] = dataclasses.field(default_factory=dict)
    """Further arguments of the network's builder in training."""
    evaluation_options: dict[str, Scalar] = dataclasses.field(default_factory=dict)
    """Arguments that differ in evaluation and export (DeepLab: output_stride=8)."""
    void_class: bool = False
    """Have one output more than classes and train it on ignored pixels (ESPNet's authors)."""
    auxiliary_heads: bool = True
    """Whether a network's auxiliary heads, if it has any, are trained; evaluation has none."""
    rig: str = ""
    """Rig file of the two cameras, whose text the run folder then keeps; empty: the published."""


@dataclasses.dataclass(frozen=True)
class Start:
    """Where the weights come from, and which of them are trained."""

    initial_weights: str = "none"
    """'none', 'imagenet', 'unit_variance' (flows: fitted to the first batch), or the path of a
    checkpoint, archive or run folder."""
    part: Literal["all", "backbone", "fitting"] = "all"
    """Part of those that is taken: all, which then have to fit; the backbone alone, whatever head
    and classes they have beside it; or every variable whose name and shape fit (heads and layers
    of the classes too, where they happen to). What is left on either side is printed."""
    stages: tuple[str, ...] = ()
    """Run folders, or checkpoints in them, that parts of the network come from; later ones win."""
    new_parts: tuple[str, ...] = ()
    """Parts that the stages before need not have; they then start as drawn."""
    frozen: tuple[str, ...] = ()
    """Parts of the network that are not trained, by their names in the table of networks."""
    update_frozen_statistics: bool = False
    """Let the batch statistics of fixed parts go on following the batches (published)."""


@dataclasses.dataclass(frozen=True)
class Data:
    """How records are read."""

    cache: Literal["none", "encoded", "decoded"] = "none"
    """What is kept in memory after it was read once: nothing, the files' bytes, or the pixels."""
    shuffle_buffer: int = 100
    """Records in the shuffle buffer; class-uniform epochs are shuffled whole."""


@dataclasses.dataclass(frozen=True)
class Augment:
    """What is done to images and labels before the network sees them."""

    crop_size: tuple[int, int] = (1024, 1024)
    """Training crop; smaller images are padded (label 255); 0 0: as large as the images are. Of
    the task 'two_cameras' the size that both cameras are resized to; of pairs of views for 'flow'
    as well."""
    padding: Literal["grey", "mean", "black"] = "grey"
    """Colour of the padding: 127.5, what the network's normalisation brings to zero, or 0."""
    padding_position: Literal["end", "around", "centred"] = "end"
    """Where padding goes: bottom and right; all sides, with room for the crop to move; or all sides
    alike, which for an odd number is one too many."""
    min_scale: float = 1.0
    """Smallest random scale before the crop; equal to max_scale for none."""
    max_scale: float = 1.0
    """Largest random scale before the crop."""
    scale_step: float = 0.0
    """Step between scales; 0 draws from the continuous range."""
    scale_distribution: Literal["linear", "log"] = "linear"
    """Whether every scale of a continuous range is as likely, or every ratio of two."""
    min_side: int = 0
    """Pixels that the shorter side of a scaled image has at least; smaller scales are raised."""
    resize: Literal["aligned", "half_pixel", "half_pixel_cubic", "cubic"] = "aligned"
    """How images are scaled: bilinearly with aligned corners, as TensorFlow 1 did; half-pixel,
    bilinearly or cubically, as OpenCV; cubic and antialiased, as PIL."""
    flip_probability: float = 0.5
    """Probability of a left-right flip of image and label."""
    colour_jitter: float = 0.0
    """Brightness, contrast and saturation times 1 +- this, hue turned by +- this; at most 0.5."""
    blur_sigma: tuple[float, float] = (0.0, 0.0)
    """Smallest and largest sigma, in pixels, of the Gaussian blur of crops; 0 0 for none."""


@dataclasses.dataclass(frozen=True)
class ClassUniform:
    """Drawing part of each epoch class by class, where a class lies."""

    fraction: float = 0.0
    """Share, 0 to 1, of an epoch that is drawn class by class, where a class lies; 0 for none."""
    tile: int = 1024
    """Side in pixels of the tiles in which centroids of classes are found."""
    absent_classes: Literal["redistribute", "skip"] = "redistribute"
    """Without centroids: an image smaller than a tile is one tile, and images at random get the
    share of a class that is nowhere; or neither, and epochs are shorter (SFSegNets)."""
    coarse_split: str = ""
    """Split in which coarse_classes are looked for as well; empty for none."""
    coarse_classes: tuple[int, ...] = ()
    """Train ids that are also drawn where they lie in coarse_split."""
    coarse_until_epoch: int = 100_000
    """Epoch, counted from 0, from which on coarse_split is not drawn from any more."""
    crop_position: Literal["inside", "sfsegnets"] = "inside"
    """Crops around a centroid: those that hold it; or as SFSegNets cuts them, where the first one
    misses it by a pixel, and padding moves it."""


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Learned sampling before the network."""

    kind: Literal["none", "uniform", "prior", "nus", "density"] = "none"
    """What reduces the crop before the network: nothing, or one of `roadseg.sampling`'s samplers.
    """
    size: tuple[int, int] = (128, 128)
    """Samples per column and row, (height, width)."""
    sampler_run: str = ""
    """Run folder (or one checkpoint) of the sampler; needed for 'prior', 'nus' and 'density'."""
    window: Literal["frame", "crop"] = "frame"
    """What is sampled at once when whole images are labelled: the frame, or windows of the aspect
    of augment.crop_size, side by side (published)."""
    strength: float = 0.6
    """How far samples follow a density, 0 to below 1; the rest is spread evenly."""


@dataclasses.dataclass(frozen=True)
class SamplerNetwork:
    """What the task 'sampling_grid' learns: the sampler's network and its targets."""

    grid_size: tuple[int, int] = (8, 8)
    """Points of the published sampler's grid: the size of its network's output."""
    input_size: tuple[int, int] = (64, 64)
    """Size of the image that the sampler's network sees; 0 0, for densities alone: about 96x128
    pixels, in the aspect of augment.crop_size."""
    width: float = 0.25
    """Width of the published sampler's network."""
    density_width: int = 32
    """Channels of the density network."""
    alpha: float = 0.5
    """How strongly targets of `nus` pull control points to boundaries, 0 to 1."""
    classes: tuple[int, ...] = ()
    """Train ids whose boundaries attract samples; empty for all."""
    class_weights: tuple[float, ...] = ()
    """What a boundary pixel counts in the target of a density, by class; empty for 1 each."""
    targets: Literal["native", "graph"] = "native"
    """Who computes target grids: the native code in the input pipeline, or the device."""


@dataclasses.dataclass(frozen=True)
class Flow:
    """Pairs of images, and the loss of their flow."""

    pairs: Literal["warped", "recorded", "views"] = "warped"
    """Pairs for the task 'flow': frames and what is made of them with a known flow; whole pairs
    with a recorded flow; or both cameras of a rig, the wide one as the narrow camera sees it."""
    shift_px: tuple[float, float] = (6.0, 14.0)
    """Largest shift of a made pair, down and across."""
    tilt: float = 0.04
    """Largest entry by which the homography of a made pair turns, stretches and tilts."""
    parallax_px: float = 6.0
    """Shift of what is nearest in a made pair, along a line of any direction."""
    loss: Literal["multi_scale", "l2", "self", "multi_scale_self"] = "multi_scale"
    """Against the known flow, of every level or the last one; or from the images alone, likewise.
    """


@dataclasses.dataclass(frozen=True)
class Loss:
    """What is minimised."""

    kind: Literal["cross_entropy", "cross_entropy_of_all", "ohem", "ohem_below"] = "cross_entropy"
    """Loss of the main logits; 'of_all' divides by ignored pixels too; 'ohem' keeps the hardest
    pixels of each device's batch, 'ohem_below' those below a limit, as PIDNet does."""
    main_weight: float = 1.0
    """Weight of the main logits' loss."""
    size: Literal["samples", "half", "full"] = "samples"
    """Where the loss of a network behind sampling is taken: at its samples, or at the pixels of the
    crop at half or full size, to which its logits are brought back."""
    ohem_threshold: float = 0.7
    """Pixels whose true class has at most this probability are hard."""
    ohem_min_kept: int = 100_000
    """Pixels of a device's batch that are kept at least; 0 keeps all."""
    class_weights: Literal[
        "none", "cityscapes", "espnetv2_cityscapes", "dabnet_camvid", "frequency"
    ] = "none"
    """Weights of the classes in the loss: those of Fast_Seg, PIDNet and DABNet; those that other
    originals hold; or 1 / ln(1.10 + frequency)."""
    auxiliary_kind: Literal["cross_entropy", "cross_entropy_of_all", "ohem", "ohem_below"] = (
        "cross_entropy"
    )
    """Loss of the auxiliary heads; a boundary head always has plain cross-entropy."""
    auxiliary_weight: float = 0.4
    """Weight of each auxiliary head's loss beside the main one's."""
    boundary_from: Literal["reduced", "full"] = "reduced"
    """Labels of a boundary head are found at the head's own size, or at full size."""


@dataclasses.dataclass(frozen=True)
class Edges:
    """The head of edges, and what it does to the loss (PIDNet)."""

    weight: float = 20.0
    """Weight of the loss of a head 'edges' (PIDNet)."""
    aware_weight: float = 1.0
    """Weight of the main logits' loss once more, where that head sees an edge."""
    gate: float = 0.8
    """Probability of an edge above which it is seen."""
    size: int = 4
    """Side in pixels of the square that stands for each pixel of an edge."""
    margin: int = 0
    """Rows and columns at each border without edges."""
    found_in: Literal["crop", "image"] = "crop"
    """Edges are found in the labels that are trained on, or in whole label maps, with which they
    are then scaled and cropped (published; without a sampler)."""


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """The update of the weights."""

    kind: Literal["sgd", "adam"] = "sgd"
    """Update rule; both as PyTorch has them, with the decay in the gradient."""
    learning_rate: float = 0.007
    """Rate at step 0, before the schedule."""
    momentum: float = 0.9
    """Momentum of SGD (not Nesterov)."""
    adam_betas: tuple[float, float] = (0.9, 0.999)
    """What Adam keeps of its averages of gradients and of their squares."""
    max_gradient_norm: float = 0.0
    """Gradients are scaled down together to this norm over all weights; 0: never, as published."""
    weight_decay: float = 4e-5
    """L2 factor: weight_decay * sum(w^2) / 2 over the weights that decay."""
    weight_decay_on: Literal["kernels", "convolutions", "all"] = "kernels"
    """Which decay: kernels but depthwise ones, all kernels, or every weight (biases, norms)."""
    pretrained_layers: tuple[str, ...] = ()
    """How the names of layers begin that start from published weights."""
    pretrained_factor: float = 1.0
    """Factor on the rate and on the decay of those layers (SwiftNet: 1/4)."""
    pretrained_decay: Literal["scaled", "full"] = "scaled"
    """Whether that factor is on their decay as well, or they decay like all others."""
    bias_gradient_factor: float = 1.0
    """Factor on the gradient of the logits' biases (published: 2)."""
    ema_decay: float = 0.0
    """Decay of the moving average of the weights used in evaluation; 0 for none."""


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How the learning rate changes."""

    kind: Literal["poly", "cosine", "halving", "restarts"] = "poly"
    """How the rate falls, step by step: poly to 0, half a cosine, by halves, or again and again
    from five times the rate to it and then straight to 0 (ESPNetv2)."""
    update_every_steps: int = 1
    """Steps in which the rate stays as it is; those of an epoch where it falls epoch by epoch."""
    one_interval_ahead: bool = False
    """Train every such stretch at the rate of the next one; the last of poly then has rate 0."""
    power: float = 0.9
    """Power of the poly schedule, which ends at 0."""
    warm_up_steps: int = 0
    """Steps in which the rate grows in a straight line, before the poly schedule begins."""
    warm_up_from: float = 1 / 3
    """Share of the rate at which that begins."""
    extra_steps: int = 0
    """Steps after the last one at which the poly schedule reaches 0."""
    final_learning_rate: float = 0.0
    """Rate at which the cosine schedule ends."""
    halve_every_steps: int = 0
    """Steps after which the halving schedule halves the rate, again and again; 0 for never."""
    halve_at_steps: tuple[int, ...] = ()
    """Steps at which the halving schedule halves the rate, beside those."""


@dataclasses.dataclass(frozen=True)
class BatchNorm:
    """Batch normalisation in training."""

    unsynchronised: tuple[str, ...] = ()
    """Batch normalisations, by patterns of their names (*), with each replica's own moments."""
    momentum: float = 0.0
    """Momentum of batch statistics in place of the network's own; 0 keeps those."""
    frozen: bool = False
    """Normalise by the running statistics and leave them; scales and offsets are still trained."""


@dataclasses.dataclass(frozen=True)
class Log:
    """What a run writes, and how often."""

    checkpoint_every_steps: int = 1000
    """Steps between checkpoints, 0 for none but by time; the last step always has one."""
    checkpoint_every_seconds: float = 0.0
    """Seconds between checkpoints, 0 for none but by steps; whichever comes first."""
    keep_checkpoints: int = 5
    """Newest checkpoints that are kept, beside the best."""
    summary_every_steps: int = 100
    """Steps between scalars in metrics.jsonl and TensorBoard."""
    pictures_every_steps: int = 600
    """Steps between TensorBoard pictures; 0 for none."""


GROUPS: dict[str, type] = {
    "network": Network,
    "start": Start,
    "data": Data,
    "augment": Augment,
    "class_uniform": ClassUniform,
    "sampling": Sampling,
    "sampler": SamplerNetwork,
    "flow": Flow,
    "loss": Loss,
    "edges": Edges,
    "optimizer": Optimizer,
    "schedule": Schedule,
    "batch_norm": BatchNorm,
    "log": Log,
    "protocol": Protocol,
}
"""The groups by their names in a recipe."""
