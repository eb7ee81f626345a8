"""DeepLabv3 with MobileNetV2 behind learned sampling on Cityscapes, every number as published.

Source of every value without another: dmitrii-marin/adaptive-sampling, commit 95fbcc1e,
research/deeplab, nus_common.sh and test_mobilenetv2_with_nus.sh, with flag defaults of train.py.
Published mIoU on the central 1024x1024 crops of val, read off docs/chart.png (+-0.001), at
N = 128, 160, 192, 224: adaptive 0.330, 0.370, 0.394, 0.417; uniform 0.294, 0.331, 0.370, 0.403.
"""

from roadseg.recipe import groups
from roadseg.recipe.protocol import PROTOCOLS
from roadseg.recipe.recipe import Recipe

RECIPE = Recipe(
    name="nus/deeplabv3_mobilenet_v2",
    task="segmentation",
    source="adaptive-sampling 95fbcc1e, research/deeplab/test_mobilenetv2_with_nus.sh",
    measured="not trained here",
    model="deeplabv3_mobilenet_v2",
    network=groups.Network(
        options={"output_stride": 16, "depth_multiplier": 1.0, "dropout": 0.1},
        evaluation_options={"output_stride": 8},
    ),
    start=groups.Start(
        initial_weights="imagenet",  # mobilenet_v2_1.0_<N>; the head is drawn
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
    sampling=groups.Sampling(
        # Sampling. UNIFORM=1 of the script is sampler='uniform'.
        kind="nus",
        window="crop",
        size=(128, 128),  # SAMPLING_SIZE; published 128, 160, 192, 224
    ),
    sampler=groups.SamplerNetwork(
        grid_size=(8, 8),
        input_size=(64, 64),
        width=0.25,
        alpha=0.5,
        classes=(11, 12, 13, 14, 15, 16, 17, 18),  # person to bicycle
    ),
    # Optimisation.
    batch_size=16,
    steps=90_000,
    optimizer=groups.Optimizer(
        learning_rate=0.007,
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
