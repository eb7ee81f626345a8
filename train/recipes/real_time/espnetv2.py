"""ESPNetv2 on Cityscapes in two stages, small crops first.

Source of every value without another: sacmehta/EdgeNets, commit 2b232d3. Reported on val at
512x1024: 53.9 (s 0.5), 60.1 (1.0), 63.8 (1.5), 66.4 (2.0); at 256x512 47.3, 52.2 and 54.6 (1.5).
Images are scaled by Lanczos' filter there; here by the nearest that there is, cubic and
antialiased. Rates are rounded there to five and six digits.
"""

from roadseg.recipe import groups
from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import on_one_gpu

EPOCH = 2975 // 25
SECOND_EPOCH = 2975 // 6

FIRST_STAGE = Recipe(
    name="real_time/espnetv2_256x512",
    task="segmentation",
    source="EdgeNets 2b232d3, Cityscapes, first stage",
    measured="not trained here",
    model="espnetv2",
    network=groups.Network(
        options={"s": 1.0, "normalisation": "rgb"},
        void_class=True,  # a twentieth output, which counts nothing in the loss
        auxiliary_heads=False,
    ),
    start=groups.Start(
        # ImageNet; its fifth level and classifier have no place here.
        initial_weights="pretrained/espnetv2_s_1.0_imagenet_224x224.pth",
        part="backbone",
    ),
    records="records",
    split="train",  # 2,975 images
    augment=groups.Augment(
        # Input: scale, pad, crop, mirror.
        crop_size=(256, 512),
        padding="black",  # before normalisation
        padding_position="centred",
        min_scale=0.25,
        max_scale=0.5,
        scale_step=0.0,
        scale_distribution="log",
        resize="cubic",
        flip_probability=0.5,
    ),
    data=groups.Data(shuffle_buffer=500),
    loss=groups.Loss(
        kind="cross_entropy",
        class_weights="espnetv2_cityscapes",
    ),
    # Optimisation: the decoder at ten times the rate of the backbone, and all decay alike.
    batch_size=25,
    steps=100 * EPOCH,
    optimizer=groups.Optimizer(
        kind="sgd",
        learning_rate=0.09,
        pretrained_layers=("base_net.",),
        pretrained_factor=0.1,
        pretrained_decay="full",
        momentum=0.9,
        weight_decay=4e-5,
        weight_decay_on="all",
    ),
    schedule=groups.Schedule(
        kind="restarts",
        update_every_steps=EPOCH,
    ),
    precision="float32",
    log=groups.Log(
        checkpoint_every_steps=5 * EPOCH,
        pictures_every_steps=1_000,
    ),
)
SECOND_STAGE: Recipe = FIRST_STAGE.replace(
    name="real_time/espnetv2",
    source="EdgeNets 2b232d3, Cityscapes, second stage",
    start={
        "initial_weights": "runs/real_time/espnetv2_256x512",  # there: its best checkpoint
        "part": "all",
    },
    augment={
        "crop_size": (512, 1024),
        "min_scale": 0.35,
        "max_scale": 1.0,
    },
    batch_size=6,
    steps=100 * SECOND_EPOCH,
    optimizer={"learning_rate": 0.05},
    schedule={"update_every_steps": SECOND_EPOCH},
    batch_norm={"frozen": True},
    log={"checkpoint_every_steps": 5 * SECOND_EPOCH},
)

FIRST_STAGE_ONE_GPU = on_one_gpu(FIRST_STAGE)
SECOND_STAGE_ONE_GPU = on_one_gpu(SECOND_STAGE, batch_size=6)
