"""What the training of SFNet and SFNet-Lite has in common on every data set.

Source of every value without another: lxtGH/SFSegNets, commit ba475ba, train.py and the options
that all of its scripts give. Each is for 8 GPUs, and its batch is 8 times that of a GPU. An epoch
has as many steps as a GPU has whole batches: 1 / 8 of the images, rounded up, over its batch.
What the original does by mistake is put right, and can be had as it was:

    --schedule.one-interval-ahead
        the rate of the epoch after, 0 in the last one
    --class-uniform.absent-classes skip
        no centroids in images smaller than a tile, shorter epochs
    --class-uniform.crop-position sfsegnets
        crops that miss the centroid by a pixel, or by the padding
    --batch-norm.unsynchronised head.conv_last.* ..
        batch statistics of a replica alone; LOCAL_NORMS has them all
"""

from roadseg.recipe import groups
from roadseg.recipe.protocol import PROTOCOLS
from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg import shared as fast_seg

GPUS = 8
SHARED = Recipe(
    name="sfsegnets/shared",
    task="segmentation",
    source="SFSegNets ba475ba, train.py",
    measured="not trained here",
    records="records",
    split="train",
    network=groups.Network(
        options={"normalisation": "rgb"},
        auxiliary_heads=False,
    ),
    class_uniform=groups.ClassUniform(
        # Which images: half of an epoch at random, the other half class by class.
        fraction=0.5,
        tile=1024,
        absent_classes="redistribute",  # there: images smaller than a tile have no centroids
        crop_position="inside",
    ),
    augment=groups.Augment(
        # Input: scale, pad, crop, mirror, jitter, blur.
        crop_size=(1024, 1024),
        padding="black",
        padding_position="around",
        min_scale=0.5,  # any value up to max_scale
        max_scale=2.0,
        scale_step=0.0,
        resize="cubic",  # PIL
        flip_probability=0.5,
        colour_jitter=0.25,
        blur_sigma=(0.15, 1.3),  # cannot be turned off there; 0 0 does it here
    ),
    data=groups.Data(
        # The original shuffles the whole list; here the shards and 500 records, where classes are
        # not drawn: where they are, the whole list as well.
        shuffle_buffer=500,
    ),
    loss=groups.Loss(
        # Loss: main logits with mining; side heads, where there are any, alike.
        kind="ohem",
        ohem_threshold=0.7,
        ohem_min_kept=10_000,  # pixels of the batch of one device
        auxiliary_kind="ohem",
        auxiliary_weight=1.0,
    ),
    # Optimisation. Batch statistics are synchronised wherever there are several replicas.
    batch_size=16,
    optimizer=groups.Optimizer(
        kind="sgd",
        learning_rate=0.01,
        momentum=0.9,
        weight_decay=1e-4,
        weight_decay_on="all",  # norms and biases too: one parameter group
    ),
    schedule=groups.Schedule(
        kind="poly",
        power=1.0,
    ),
    precision="float32",  # mixed precision is an option there as well, and no script has it
    log=groups.Log(pictures_every_steps=1_000),
    protocol=PROTOCOLS["sfsegnets"],
)

# What --fpn_dsn_loss changes, with side heads and without: 100,000 pixels are kept at least.
DEEP_SUPERVISION = 100_000

# Batch normalisations that the original does not synchronise; its checkpoints hold what the first
# GPU saw of them.
LOCAL_NORMS = {
    "sfnet_resnet": ("head.fpn_out.*", "head.conv_last.*"),
    "sfnet_dfnet": ("head.fpn_out.*", "head.conv_last.*", "backbone.*.bn?"),
    "sfnet_stdc": ("head.fpn_out.*", "head.conv_last.*", "backbone.*.bn"),
    "sfnet_lite_resnet": ("head.conv_last.*",),
    "sfnet_lite_stdc": ("head.conv_last.*", "backbone.*.bn"),
}

# ImageNet weights of each backbone, under the names that the original expects.
BACKBONES = {
    "resnet18": "pretrained/resnet18-deep-inplane128.pth",
    "resnet50": "pretrained/resnet50-deep.pth",
    "resnet101": "pretrained/resnet101-deep.pth",
    "dfnet_v1": "pretrained/df1_imagenet.pth",
    "dfnet_v2": "pretrained/df2_imagenet.pth",
    "stdc1": "pretrained/STDCNet813_73.91.tar",
    "stdc2": "pretrained/STDCNet1446_76.47.tar",
}


def on_one_gpu(recipe: Recipe) -> Recipe:
    """Return `recipe` for one GPU: batch 8, rate, steps and mining to match, as for Fast_Seg."""
    return fast_seg.on_one_gpu(recipe, batch_size=8, per_device=recipe.batch_size // GPUS)
