"""Fast-SCNN and ESPNet from scratch on CamVid (360x480, 11 classes), sized for two CPU cores."""

from dataclasses import replace

from roadseg.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import SHARED

FAST_SCNN: Recipe = replace(
    SHARED,
    name="camvid/fast_scnn",
    source="as fast_seg/fast_scnn, CamVid's scales; crop, batch and steps are ours",
    model="fast_scnn",
    model_options={"normalisation": "rgb"},
    cache="decoded",
    shuffle_buffer=400,
    crop_size=(352, 480),  # the most of 360x480 that is a multiple of 32
    min_scale=0.5,  # 0.5, 0.6 .. 2.0: 16 values
    max_scale=2.0,
    ohem_min_kept=50_000,  # 3.7 % of a batch, as on Cityscapes
    batch_size=8,
    steps=4_000,
    batch_norm_momentum=0.97,
    checkpoint_every_steps=500,
    summary_every_steps=20,
)

ESPNET: Recipe = replace(
    FAST_SCNN,
    name="camvid/espnet",
    source="as fast_seg/espnet, CamVid's scales; crop, batch, steps and schedule are ours",
    model="espnet",
    model_options={"p": 2, "q": 3, "normalisation": "espnet_camvid"},
    crop_size=(240, 320),
    loss="cross_entropy",
    class_weights="frequency",
    steps=2_500,
    optimizer="adam",
    learning_rate=1e-3,
    adam_betas=(0.9, 0.999),
    weight_decay=5e-4,
)
