"""Every number that decides a training run, as one flat, typed record that travels with the run."""

import dataclasses
import difflib
import json
import typing
from pathlib import Path
from typing import Any, Literal

from roadseg.errors import RoadsegError
from roadseg.files import read_json
from roadseg.recipe.values import check_values

Scalar = bool | int | float | str
DENSITY_MODELS = ("density_sampler", "prior_sampler")
"""Models of the task 'sampling' that learn a density."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Values of one run. Sizes are (height, width) in pixels; `source` says who gave them."""

    name: str
    """Name of the recipe, and of the run folder if none is given."""
    task: Literal["segmentation", "sampling", "flow", "two_views"]
    """What is learned: class scores, the sampling grid (auxiliary network), the optical flow
    between two images, or the class scores of two cameras' views."""
    source: str
    """Where the numbers were published."""
    measured: str = "not trained here"
    """mIoU, steps, hardware and date of a run of our own, or that there was none."""

    model: str = "deeplabv3_mobilenet_v2"
    """Name in `roadseg.list_models()`; for the task 'sampling' 'auxiliary' (the published sampler),
    'density_sampler' or 'prior_sampler'."""
    model_options: dict[str, Scalar] = dataclasses.field(default_factory=dict)
    """Further arguments of the network's builder in training."""
    evaluation_options: dict[str, Scalar] = dataclasses.field(default_factory=dict)
    """Arguments that differ in evaluation and export (DeepLab: output_stride=8)."""
    void_class: bool = False
    """Have one output more than classes and train it on ignored pixels (ESPNet's authors)."""
    rig: str = ""
    """Rig file of the two cameras, whose text the run folder then keeps; empty: the published."""
    initial_weights: str = "none"
    """'none', 'imagenet', 'unit_variance' (flows: fitted to the first batch), or the path of a
    checkpoint, archive or run folder."""
    initial_weights_part: Literal["all", "backbone", "fitting"] = "all"
    """Part of those that is taken: all, which then have to fit; the backbone alone, whatever head
    and classes they have beside it; or every variable whose name and shape fit (heads and layers
    of the classes too, where they happen to). What is left on either side is printed."""
    stages_before: tuple[str, ...] = ()
    """Run folders, or checkpoints in them, that parts of the network come from; later ones win."""
    new_parts: tuple[str, ...] = ()
    """Parts that the stages before need not have; they then start as drawn."""
    fix: tuple[str, ...] = ()
    """Parts of the network that are not trained, by their names in the table of networks."""
    moving_statistics: bool = False
    """Let the batch statistics of fixed parts go on following the batches (published)."""

    records: str = "records"
    """Folder of TFRecords that `roadseg convert` wrote, or others in the same schema."""
    split: str = "train"
    """Split to train on."""
    class_uniform_pct: float = 0.0
    """Share, 0 to 1, of an epoch that is drawn class by class, where a class lies; 0 for none."""
    class_uniform_tile: int = 1024
    """Side in pixels of the tiles in which centroids of classes are found."""
    class_uniform_gaps: Literal["fill", "leave"] = "fill"
    """Without centroids: an image smaller than a tile is one tile, and images at random get the
    share of a class that is nowhere; or neither, and epochs are shorter (published)."""
    coarse_split: str = ""
    """Split in which coarse_boost_classes are looked for as well; empty for none."""
    coarse_boost_classes: tuple[int, ...] = ()
    """Train ids that are also drawn where they lie in coarse_split."""
    max_cu_epoch: int = 100_000
    """Epoch, counted from 0, from which on coarse_split is not drawn from any more."""
    crop_size: tuple[int, int] = (1024, 1024)
    """Training crop; smaller images are padded (label 255); 0 0: as large as the images are. Of
    the task 'two_views' the size that both views are resized to; of pairs of views for 'flow' as
    well."""
    centroid_crop: Literal["inside", "published"] = "inside"
    """Crops around a centroid: those that hold it; or as published, where the first one misses it
    by a pixel, and padding moves it."""
    padding: Literal["grey", "mean", "black"] = "grey"
    """Colour of the padding: 127.5, what the network's normalisation brings to zero, or 0."""
    padding_at: Literal["end", "around", "centred"] = "end"
    """Where padding goes: bottom and right; all sides, with room for the crop to move; or all sides
    alike, which for an odd number is one too many."""
    min_scale: float = 1.0
    """Smallest random scale before the crop; equal to max_scale for none."""
    max_scale: float = 1.0
    """Largest random scale before the crop."""
    scale_step: float = 0.0
    """Step between scales; 0 draws from the continuous range."""
    scale_draw: Literal["linear", "log"] = "linear"
    """Whether every scale of a continuous range is as likely, or every ratio of two."""
    min_side: int = 0
    """Pixels that the shorter side of a scaled image has at least; smaller scales are raised."""
    scaling: Literal["aligned", "half_pixel", "half_pixel_cubic", "cubic"] = "aligned"
    """How images are scaled: bilinearly with aligned corners, as TensorFlow 1 did; half-pixel,
    bilinearly or cubically, as OpenCV; cubic and antialiased, as PIL."""
    flip_probability: float = 0.5
    """Probability of a left-right flip of image and label."""
    colour_jitter: float = 0.0
    """Brightness, contrast and saturation times 1 +- this, hue turned by +- this; at most 0.5."""
    blur_sigma: tuple[float, float] = (0.0, 0.0)
    """Smallest and largest sigma, in pixels, of the Gaussian blur of crops; 0 0 for none."""
    shuffle_buffer: int = 100
    """Records in the shuffle buffer; class-uniform epochs are shuffled whole."""
    cache: Literal["none", "encoded", "decoded"] = "none"
    """What is kept in memory after it was read once: nothing, the files' bytes, or the pixels."""

    sampler: Literal["none", "uniform", "prior", "nus", "density"] = "none"
    """What reduces the crop before the network: nothing, or one of `roadseg.sampling`'s samplers.
    """
    sampling_size: tuple[int, int] = (128, 128)
    """Samples per column and row, (height, width)."""
    sampler_run: str = ""
    """Run folder (or one checkpoint) of the sampler; needed for 'prior', 'nus' and 'density'."""
    sampling_window: Literal["frame", "crop"] = "frame"
    """What is sampled at once when whole images are labelled: the frame, or windows of the aspect
    of crop_size, side by side (published)."""
    sampler_strength: float = 0.6
    """How far samples follow a density, 0 to below 1; the rest is spread evenly."""
    loss_size: Literal["samples", "half", "full"] = "samples"
    """Where the loss of a network behind sampling is taken: at its samples, or at the pixels of the
    crop at half or full size, to which its scores are brought back."""

    grid_size: tuple[int, int] = (8, 8)
    """Points of the published sampler's grid: auxiliary_input // auxiliary_stride."""
    auxiliary_input: tuple[int, int] = (64, 64)
    """Size of the image that the sampler's network sees; 0 0, for densities alone: about 96x128
    pixels, in the aspect of crop_size."""
    auxiliary_depth_multiplier: float = 0.25
    """Width of the published sampler's network."""
    density_width: int = 32
    """Channels of the density network."""
    target_alpha: float = 0.5
    """Weight a of the data term of the sampling energy (nus_alpha)."""
    target_classes: tuple[int, ...] = ()
    """Train ids whose boundaries attract samples; empty for all."""
    target_weights: tuple[float, ...] = ()
    """What a boundary pixel counts in the target of a density, by class; empty for 1 each."""
    targets: Literal["native", "graph"] = "native"
    """Who computes target grids: the native code in the input pipeline, or the device."""

    flow_pairs: Literal["warped", "recorded", "views"] = "warped"
    """Pairs for the task 'flow': frames and what is made of them with a known flow; whole pairs
    with a recorded flow; or both views of a rig, the wide one as the narrow camera sees it."""
    flow_shift_px: tuple[float, float] = (6.0, 14.0)
    """Largest shift of a made pair, down and across."""
    flow_tilt: float = 0.04
    """Largest entry by which the homography of a made pair turns, stretches and tilts."""
    flow_parallax_px: float = 6.0
    """Shift of what is nearest in a made pair, along a line of any direction."""
    flow_loss: Literal["multi_scale", "l2", "self", "multi_scale_self"] = "multi_scale"
    """Against the known flow, of every level or the last one; or from the images alone, likewise.
    """

    loss: Literal["cross_entropy", "cross_entropy_of_all", "ohem", "ohem_below"] = "cross_entropy"
    """Loss of the main scores; 'of_all' divides by ignored pixels too; 'ohem' keeps the hardest
    pixels of each device's batch, 'ohem_below' those below a limit, as PIDNet does."""
    main_weight: float = 1.0
    """Weight of the main scores' loss."""
    ohem_threshold: float = 0.7
    """Pixels whose true class has at most this probability are hard."""
    ohem_min_kept: int = 100_000
    """Pixels of a device's batch that are kept at least; 0 keeps all."""
    class_weights: Literal[
        "none", "cityscapes", "espnetv2_cityscapes", "dabnet_camvid", "frequency"
    ] = "none"
    """Weights of the classes in the loss: those of Fast_Seg, PIDNet and DABNet; those that other
    originals hold; or 1 / ln(1.10 + frequency)."""
    auxiliary_heads: bool = True
    """Whether a network's auxiliary heads, if it has any, are trained; evaluation has none."""
    auxiliary_loss: Literal["cross_entropy", "cross_entropy_of_all", "ohem", "ohem_below"] = (
        "cross_entropy"
    )
    """Loss of the auxiliary heads; a boundary head always has plain cross-entropy."""
    auxiliary_weight: float = 0.4
    """Weight of each auxiliary head's loss beside the main one's."""
    boundary_from: Literal["reduced", "full"] = "reduced"
    """Labels of a boundary head are found at the head's own size, or at full size."""
    edge_weight: float = 20.0
    """Weight of the loss of a head 'edges' (PIDNet)."""
    edge_aware_weight: float = 1.0
    """Weight of the main scores' loss once more, where that head sees an edge."""
    edge_gate: float = 0.8
    """Probability of an edge above which it is seen."""
    edge_size: int = 4
    """Side in pixels of the square that stands for each pixel of an edge."""
    edge_margin: int = 0
    """Rows and columns at each border without edges."""
    edges_from: Literal["crop", "image"] = "crop"
    """Edges are found in the labels that are trained on, or in whole label maps, with which they
    are then scaled and cropped (published; without a sampler)."""

    batch_size: int = 16
    """Images in a step, over all replicas and machines."""
    steps: int = 90_000
    """Optimiser steps of the whole run."""
    learning_rate: float = 0.007
    """Rate at step 0, before the schedule."""
    schedule: Literal["poly", "cosine", "halving", "restarts"] = "poly"
    """How the rate falls, step by step: poly to 0, half a cosine, by halves, or again and again
    from five times the rate to it and then straight to 0 (ESPNetv2)."""
    rate_every_steps: int = 1
    """Steps in which the rate stays as it is; those of an epoch where it falls epoch by epoch."""
    rate_ahead: bool = False
    """Train every such stretch at the rate of the next one; the last of poly then has rate 0."""
    power: float = 0.9
    """Power of the poly schedule, which ends at 0."""
    warm_up_steps: int = 0
    """Steps in which the rate grows in a straight line, before the poly schedule begins."""
    warm_up_from: float = 1 / 3
    """Share of the rate at which that begins."""
    poly_steps_beyond: int = 0
    """Steps after the last one at which the poly schedule reaches 0."""
    final_learning_rate: float = 0.0
    """Rate at which the cosine schedule ends."""
    halve_every_steps: int = 0
    """Steps after which the halving schedule halves the rate, again and again; 0: see below."""
    halve_at_steps: tuple[int, ...] = ()
    """Steps at which the halving schedule halves the rate, beside those."""
    optimizer: Literal["sgd", "adam"] = "sgd"
    """Update rule; both as PyTorch has them, with the decay in the gradient."""
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
    local_norms: tuple[str, ...] = ()
    """Batch normalisations, by patterns of their names (*), with each replica's own moments."""
    batch_norm_momentum: float = 0.0
    """Momentum of batch statistics in place of the network's own; 0 keeps those."""
    frozen_batch_norm: bool = False
    """Normalise by the running statistics and leave them; scales and offsets are still trained."""
    ema: float = 0.0
    """Decay of the moving average of the weights used in evaluation; 0 for none."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16", "float64"] = "float32"
    """Keras dtype policy; float64 is for comparisons with other programs."""
    xla: bool = False
    """Compile the step with XLA (GPUs only: depthwise layers are slow under XLA on CPUs)."""
    seed: int = 0
    """Seed of initial weights, data order and augmentation."""

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

    def replace(self, **changes: Any) -> "Recipe":
        """Return this recipe with other values of some fields: replace(steps=100, batch_size=4).

        Raises RoadsegError for an unknown field, naming the near ones, and for a value of another
        type or size.
        """
        hints = typing.get_type_hints(type(self))
        for name, value in changes.items():
            if name not in hints:
                near = difflib.get_close_matches(name, hints, n=3, cutoff=0.5) or ["see Recipe"]
                raise RoadsegError(f"{name}: a recipe has no such field; near: {', '.join(near)}")
            if isinstance(value, list):
                changes[name] = tuple(value)
        check_values(changes, hints, self.name, "see the fields of roadseg.Recipe")
        return dataclasses.replace(self, **changes)

    @property
    def reads_pairs(self) -> bool:
        """Whether each of its records has to hold two images."""
        return self.task == "two_views" or (self.task == "flow" and self.flow_pairs != "warped")

    def to_json(self) -> str:
        """Return the recipe as indented JSON."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    @property
    def learns_density(self) -> bool:
        """Whether it trains a sampler by density, and not the published one."""
        return self.task == "sampling" and self.model in DENSITY_MODELS

    @classmethod
    def from_json(cls, path: Path) -> "Recipe":
        """Return the recipe stored in `path`; raise RoadsegError if it is not one."""
        values = read_json(path, "is this a run folder?", "no recipe here")
        if not isinstance(values, dict):
            raise RoadsegError(f"{path}: not a recipe ({type(values).__name__}); is this a run?")
        _rename_fields(values)
        fields = {field.name: field for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - set(fields))
        if unknown:
            raise RoadsegError(
                f"{path}: unknown fields {', '.join(unknown)}; written by another version?"
            )
        for name in ("name", "task", "source"):
            if name not in values:
                raise RoadsegError(f"{path}: '{name}' is missing; copy the file again")
        for name, value in values.items():
            if isinstance(value, list):
                values[name] = tuple(value)
        check_values(values, typing.get_type_hints(cls), path)
        return cls(**values)


def _rename_fields(values: dict[str, Any]) -> None:
    """Bring the fields of a recipe that was stored before samplers were a family to their names."""
    if "sampling" in values:
        kind = values.pop("sampling")
        values["sampler"] = "nus" if kind == "adaptive" else kind
        values.setdefault("sampling_window", "crop")
    if "auxiliary_run" in values:
        values["sampler_run"] = values.pop("auxiliary_run")
