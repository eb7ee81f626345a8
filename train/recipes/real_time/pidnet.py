"""PIDNet on Cityscapes and on CamVid as published.

Source of every value: XuJiacong/PIDNet, commit 4c158cf, its configurations and training code.
Reported on Cityscapes val: S 78.8, M 79.9, L 80.9; on CamVid's test images, from Cityscapes
weights and with a private change of the data: S 80.1, M 82.0. There each step uses the rate of the
one before it.
"""

from roadseg.recipe import groups
from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import on_one_gpu

EPOCH = 2975 // 12
CAMVID_EPOCH = 468 // 12

PIDNET_S = Recipe(
    name="real_time/pidnet_s",
    task="segmentation",
    source="PIDNet 4c158cf, pidnet_small_cityscapes",
    measured="not trained here",
    model="pidnet_s",
    network=groups.Network(
        options={"normalisation": "rgb"},
        auxiliary_heads=True,
    ),
    start=groups.Start(
        # ImageNet; whatever agrees in name and shape.
        initial_weights="pretrained/PIDNet_S_ImageNet.pth.tar",
        part="fitting",
    ),
    records="records",
    split="train",  # 2,975 images; with val for the test server
    augment=groups.Augment(
        # Input: scale, pad, crop, mirror.
        crop_size=(1024, 1024),
        padding="black",  # before normalisation
        padding_position="end",
        min_scale=0.5,  # 0.5, 0.6 .. 2.1: 17 values
        max_scale=2.1,
        scale_step=0.1,
        resize="half_pixel",  # OpenCV
        flip_probability=0.5,
    ),
    data=groups.Data(
        # The original shuffles the whole list, 7 GB of records; here the shards and 500 records.
        shuffle_buffer=500,
    ),
    loss=groups.Loss(
        # Loss, each device's batch for itself.
        kind="ohem_below",
        ohem_threshold=0.9,
        ohem_min_kept=131_072,  # pixels of the batch of one device, 6 images there
        class_weights="cityscapes",
        auxiliary_kind="cross_entropy_of_all",
        auxiliary_weight=0.4,
    ),
    edges=groups.Edges(
        weight=20.0,
        aware_weight=1.0,
        gate=0.8,
        size=4,
        margin=6,
        found_in="image",
    ),
    # Optimisation.
    batch_size=12,  # 2 GPUs x 6
    steps=484 * EPOCH,
    optimizer=groups.Optimizer(
        kind="sgd",
        learning_rate=0.01,
        momentum=0.9,
        weight_decay=5e-4,
        weight_decay_on="all",  # norms and biases too
    ),
    schedule=groups.Schedule(
        kind="poly",
        power=0.9,
    ),
    batch_norm=groups.BatchNorm(
        unsynchronised=("*",),  # not synchronised
    ),
    precision="float32",
    seed=304,
    log=groups.Log(
        checkpoint_every_steps=5 * EPOCH,
        pictures_every_steps=1_000,
    ),
)
PIDNET_M: Recipe = PIDNET_S.replace(
    name="real_time/pidnet_m",
    source="PIDNet 4c158cf, pidnet_medium_cityscapes",
    model="pidnet_m",
    start={"initial_weights": "pretrained/PIDNet_M_ImageNet.pth.tar"},
)
PIDNET_L: Recipe = PIDNET_S.replace(
    name="real_time/pidnet_l",
    source="PIDNet 4c158cf, pidnet_large_cityscapes",
    model="pidnet_l",
    start={"initial_weights": "pretrained/PIDNet_L_ImageNet.pth.tar"},
)
PIDNET_S_CAMVID: Recipe = PIDNET_S.replace(
    name="real_time/pidnet_s_camvid",
    source="PIDNet 4c158cf, pidnet_small_camvid; classes in our order",
    start={
        # Trained on Cityscapes, train and val there; the classes start anew.
        "initial_weights": "runs/real_time/pidnet_s",
    },
    split="train+val",  # 468 images of 720x960
    augment={"crop_size": (720, 960)},
    loss={"class_weights": "none"},
    edges={"margin": 0},
    optimizer={"learning_rate": 0.005},
    steps=121 * CAMVID_EPOCH,
    schedule={
        "extra_steps": (200 - 121) * CAMVID_EPOCH,  # it is stopped before its end
    },
    log={"checkpoint_every_steps": 5 * CAMVID_EPOCH},
)
PIDNET_M_CAMVID: Recipe = PIDNET_S_CAMVID.replace(
    name="real_time/pidnet_m_camvid",
    source="PIDNet 4c158cf, pidnet_medium_camvid; classes in our order",
    model="pidnet_m",
    start={"initial_weights": "runs/real_time/pidnet_m"},
)

PIDNET_S_ONE_GPU = on_one_gpu(PIDNET_S, batch_size=6, per_device=6)
PIDNET_M_ONE_GPU = on_one_gpu(PIDNET_M, batch_size=6, per_device=6)
PIDNET_L_ONE_GPU = on_one_gpu(PIDNET_L, batch_size=6, per_device=6)
PIDNET_S_CAMVID_ONE_GPU = on_one_gpu(PIDNET_S_CAMVID, batch_size=6, per_device=6)
PIDNET_M_CAMVID_ONE_GPU = on_one_gpu(PIDNET_M_CAMVID, batch_size=6, per_device=6)
