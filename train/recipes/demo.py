"""The main job in a few minutes on two cores: street scenes of 512x1024, 19 classes."""

from dataclasses import replace

from roadseg.recipe import Recipe
from roadseg.train.recipes.nus.auxiliary import RECIPE as NUS_AUXILIARY
from roadseg.train.recipes.nus.deeplabv3_mobilenet_v2 import RECIPE as NUS_SEGMENTATION

AUXILIARY: Recipe = replace(
    NUS_AUXILIARY,
    name="demo/auxiliary",
    source="as nus/auxiliary; sizes and rate are ours",
    cache="decoded",
    crop_size=(512, 512),
    batch_norm_momentum=0.95,
    batch_size=8,
    steps=600,
    learning_rate=0.05,
    checkpoint_every_seconds=60.0,
    summary_every_steps=25,
    pictures_every_steps=200,
)

DEEPLABV3_MOBILENET_V2: Recipe = replace(
    NUS_SEGMENTATION,
    name="demo/deeplabv3_mobilenet_v2",
    source="as nus/deeplabv3_mobilenet_v2; sizes and rate are ours",
    initial_weights="none",
    cache="decoded",
    # At 64x64 samples the published stride 16 leaves 4x4 positions; 4 leaves 16x16, as many as the
    # original has at 128x128 in evaluation. The same in training and evaluation.
    model_options={"output_stride": 4, "depth_multiplier": 0.5, "dropout": 0.0},
    evaluation_options={"output_stride": 4},
    crop_size=(512, 512),
    sampling_size=(64, 64),
    batch_norm_momentum=0.95,
    batch_size=8,
    steps=700,
    learning_rate=0.05,
    checkpoint_every_seconds=60.0,
    summary_every_steps=25,
    pictures_every_steps=200,
)
