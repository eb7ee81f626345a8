"""The auxiliary network of NUS on Cityscapes, every number as published.

Source of every value without another: dmitrii-marin/adaptive-sampling, commit 95fbcc1e,
research/deeplab, nus_common.sh and train_nus_mobilenetv2.sh, with the flag defaults of train.py.
"""

from roadseg.recipe import groups
from roadseg.recipe.protocol import PROTOCOLS
from roadseg.recipe.recipe import Recipe

RECIPE = Recipe(
    name="nus/sampler",
    task="sampling_grid",
    source="adaptive-sampling 95fbcc1e, research/deeplab/train_nus_mobilenetv2.sh",
    measured="not trained here",
    model="nus_sampler",
    start=groups.Start(
        initial_weights="none",  # the script downloads a checkpoint and never passes it on
    ),
    records="records",
    split="train",
    augment=groups.Augment(
        # Input. A 1024x2048 image leaves the column of the crop to chance.
        crop_size=(1024, 1024),
        min_scale=1.0,  # no scale augmentation
        max_scale=1.0,
        scale_step=0.0,
        flip_probability=0.5,  # input_preprocess.py, _PROB_OF_FLIP
    ),
    data=groups.Data(shuffle_buffer=100),
    sampler=groups.SamplerNetwork(
        # What is learned: the 8x8 grid that minimises the energy, from a 64x64 image.
        grid_size=(8, 8),
        input_size=(64, 64),  # AUX_INPUT_SIZE; stride is AUX_INPUT_SIZE / 8
        width=0.25,  # DEPTH_MULTIPLIER
        alpha=0.5,  # nus_alpha; smoothness weight 1 - sqrt(alpha)
        classes=(11, 12, 13, 14, 15, 16, 17, 18),  # person to bicycle
    ),
    # Optimisation.
    batch_size=32,
    steps=30_000,
    optimizer=groups.Optimizer(
        learning_rate=0.007,  # LEARNING_RATE
        momentum=0.9,
        weight_decay=4e-5,
        bias_gradient_factor=2.0,  # train_utils.py: last layers' biases
    ),
    schedule=groups.Schedule(power=0.9),
    log=groups.Log(
        # Checkpoints and summaries. The summary interval is called seconds there, and counts steps.
        checkpoint_every_steps=0,
        checkpoint_every_seconds=1200.0,
        summary_every_steps=100,
        pictures_every_steps=600,
    ),
    protocol=PROTOCOLS["nus"],
)
