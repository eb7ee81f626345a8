"""NUS on CamVid (360x480, 11 classes): the published rules, sized for a small set.

367 training images, so pixels are cached and the batch is smaller; nothing is pretrained, so the
rate is higher and batch statistics follow faster than in a run of 90000 steps.
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.nus.auxiliary import RECIPE as NUS_AUXILIARY
from roadseg.train.recipes.nus.deeplabv3_mobilenet_v2 import RECIPE as NUS_SEGMENTATION

AUXILIARY: Recipe = replace(
    NUS_AUXILIARY,
    name="camvid/auxiliary",
    source="as nus/auxiliary; sizes and rate are ours",
    measured="--steps 2500: docs/results/camvid.md",
    cache="decoded",
    crop_size=(360, 360),  # the largest square, as on Cityscapes
    shuffle_buffer=400,
    target_classes=(2, 6, 7, 8, 9, 10),  # pole, sign, fence, car, pedestrian, bicyclist
    batch_norm_momentum=0.99,
    learning_rate=0.05,
    steps=6_000,
    checkpoint_every_seconds=0.0,
    checkpoint_every_steps=500,
)

DEEPLABV3_MOBILENET_V2: Recipe = replace(
    NUS_SEGMENTATION,
    name="camvid/deeplabv3_mobilenet_v2",
    source="as nus/deeplabv3_mobilenet_v2; sizes and rate are ours",
    measured="shorter, at output stride 4 and 8: docs/results/camvid.md",
    initial_weights="none",
    cache="decoded",
    # At 64x64 samples stride 16 leaves 4x4 positions; 8 in training as well as in evaluation.
    model_options={"output_stride": 8, "depth_multiplier": 1.0, "dropout": 0.1},
    crop_size=(360, 360),
    shuffle_buffer=400,
    sampling_size=(64, 64),
    target_classes=(2, 6, 7, 8, 9, 10),
    batch_norm_momentum=0.99,
    learning_rate=0.05,
    batch_size=16,
    steps=12_000,
    checkpoint_every_seconds=0.0,
    checkpoint_every_steps=500,
)

# Behind sampling, from pretrained trunks: docs/results/sampling.md. Whole frames, the loss at half
# their size; every arm (uniform, prior, nus, density) has the same numbers but its sampler.
SAMPLED_050: Recipe = replace(
    DEEPLABV3_MOBILENET_V2,
    name="camvid/sampled_deeplabv3_050",
    source="ours: docs/results/sampling.md",
    measured="docs/results/sampling.md",
    model_options={"output_stride": 8, "depth_multiplier": 0.5, "dropout": 0.1},
    evaluation_options={"output_stride": 8},
    initial_weights_part="fitting",  # all but the classes of deeplabv3_mnv2_dm05_pascal_257_slim
    crop_size=(0, 0),
    min_scale=1.0,
    max_scale=1.5,
    colour_jitter=0.2,
    sampler="density",
    sampling_window="frame",
    sampling_size=(96, 128),
    loss_size="half",
    class_weights="frequency",  # poles and signs are 1 % of the pixels
    target_classes=(),
    learning_rate=0.02,
    batch_size=8,
    steps=1_500,
)

SAMPLED_100: Recipe = replace(
    SAMPLED_050,
    name="camvid/sampled_deeplabv3_100",
    initial_weights_part="backbone",  # of deeplabv3_mnv2_ade20k_int8_slim
    model_options={"output_stride": 8, "depth_multiplier": 1.0, "dropout": 0.1},
)
