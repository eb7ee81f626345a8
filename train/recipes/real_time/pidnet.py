"""PIDNet on Cityscapes and on CamVid as published.

Source of every value: XuJiacong/PIDNet, commit 4c158cf, its configurations and training code.
Reported on Cityscapes val: S 78.8, M 79.9, L 80.9; on CamVid's test images, from Cityscapes
weights and with a private change of the data: S 80.1, M 82.0. There each step uses the rate of the
one before it.
"""

from dataclasses import replace

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
    model_options={"normalisation": "rgb"},
    # ImageNet; whatever agrees in name and shape.
    initial_weights="pretrained/PIDNet_S_ImageNet.pth.tar",
    initial_weights_part="fitting",
    records="records",
    split="train",  # 2,975 images; with val for the test server
    # Input: scale, pad, crop, mirror.
    crop_size=(1024, 1024),
    padding="black",  # before normalisation
    padding_at="end",
    min_scale=0.5,  # 0.5, 0.6 .. 2.1: 17 values
    max_scale=2.1,
    scale_step=0.1,
    scaling="half_pixel",  # OpenCV
    flip_probability=0.5,
    # The original shuffles the whole list, 7 GB of records; here the shards and 500 records.
    shuffle_buffer=500,
    # Loss, each device's batch for itself.
    loss="ohem_below",
    ohem_threshold=0.9,
    ohem_min_kept=131_072,  # pixels of the batch of one device, 6 images there
    class_weights="cityscapes",
    auxiliary_heads=True,
    auxiliary_loss="cross_entropy_of_all",
    auxiliary_weight=0.4,
    edge_weight=20.0,
    edge_aware_weight=1.0,
    edge_gate=0.8,
    edge_size=4,
    edge_margin=6,
    edges_from="image",
    # Optimisation.
    batch_size=12,  # 2 GPUs x 6
    steps=484 * EPOCH,
    optimizer="sgd",
    learning_rate=0.01,
    schedule="poly",
    power=0.9,
    momentum=0.9,
    weight_decay=5e-4,
    weight_decay_on="all",  # norms and biases too
    local_norms=("*",),  # not synchronised
    precision="float32",
    seed=304,
    checkpoint_every_steps=5 * EPOCH,
    pictures_every_steps=1_000,
)
PIDNET_M: Recipe = replace(
    PIDNET_S,
    name="real_time/pidnet_m",
    source="PIDNet 4c158cf, pidnet_medium_cityscapes",
    model="pidnet_m",
    initial_weights="pretrained/PIDNet_M_ImageNet.pth.tar",
)
PIDNET_L: Recipe = replace(
    PIDNET_S,
    name="real_time/pidnet_l",
    source="PIDNet 4c158cf, pidnet_large_cityscapes",
    model="pidnet_l",
    initial_weights="pretrained/PIDNet_L_ImageNet.pth.tar",
)
PIDNET_S_CAMVID: Recipe = replace(
    PIDNET_S,
    name="real_time/pidnet_s_camvid",
    source="PIDNet 4c158cf, pidnet_small_camvid; classes in our order",
    # Trained on Cityscapes, train and val there; the classes start anew.
    initial_weights="runs/real_time/pidnet_s",
    split="train+val",  # 468 images of 720x960
    crop_size=(720, 960),
    class_weights="none",
    edge_margin=0,
    learning_rate=0.005,
    steps=121 * CAMVID_EPOCH,
    poly_steps_beyond=(200 - 121) * CAMVID_EPOCH,  # it is stopped before its end
    checkpoint_every_steps=5 * CAMVID_EPOCH,
)
PIDNET_M_CAMVID: Recipe = replace(
    PIDNET_S_CAMVID,
    name="real_time/pidnet_m_camvid",
    source="PIDNet 4c158cf, pidnet_medium_camvid; classes in our order",
    model="pidnet_m",
    initial_weights="runs/real_time/pidnet_m",
)

PIDNET_S_ONE_GPU = on_one_gpu(PIDNET_S, batch_size=6, per_device=6)
PIDNET_M_ONE_GPU = on_one_gpu(PIDNET_M, batch_size=6, per_device=6)
PIDNET_L_ONE_GPU = on_one_gpu(PIDNET_L, batch_size=6, per_device=6)
PIDNET_S_CAMVID_ONE_GPU = on_one_gpu(PIDNET_S_CAMVID, batch_size=6, per_device=6)
PIDNET_M_CAMVID_ONE_GPU = on_one_gpu(PIDNET_M_CAMVID, batch_size=6, per_device=6)
