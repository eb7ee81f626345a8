"""DABNet on Cityscapes and on CamVid, from scratch.

Source of every value without another: Reagan1311/DABNet, commit b8d62fe, train.py and its
arguments, on one GPU. Reported: 69.57 % on Cityscapes val; on CamVid's test images, trained with
val, 66.72 %.
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import on_one_gpu

EPOCH = 2975 // 8
CAMVID_EPOCH = 367 // 16

CITYSCAPES = Recipe(
    name="real_time/dabnet",
    task="segmentation",
    source="DABNet b8d62fe, train.py",
    measured="not trained here",
    model="dabnet",
    model_options={"normalisation": "dabnet_cityscapes"},
    records="records",
    split="train",  # 2,975 images
    # Input: scale, mirror, pad, crop.
    crop_size=(512, 1024),
    padding="mean",  # 0 after the mean is taken away
    padding_at="end",
    min_scale=0.75,  # 0.75, 1 .. 2: 6 values
    max_scale=2.0,
    scale_step=0.25,
    scaling="half_pixel",  # OpenCV
    flip_probability=0.5,
    shuffle_buffer=500,
    loss="ohem",
    ohem_threshold=0.7,
    ohem_min_kept=8 * 512 * 1024 // 16,
    class_weights="cityscapes",
    auxiliary_heads=False,
    batch_size=8,
    steps=1000 * EPOCH,
    optimizer="sgd",
    learning_rate=4.5e-2,
    schedule="poly",
    power=0.9,
    warm_up_steps=500,
    warm_up_from=1 / 3,
    momentum=0.9,
    weight_decay=1e-4,
    weight_decay_on="all",
    precision="float32",
    seed=1234,
    checkpoint_every_steps=10 * EPOCH,
    pictures_every_steps=1_000,
)
CAMVID: Recipe = replace(
    CITYSCAPES,
    name="real_time/dabnet_camvid",
    source="DABNet b8d62fe, train.py; scales as on Cityscapes",
    model_options={"normalisation": "dabnet_camvid"},
    split="train",  # 367 images of 360x480; "train+val" for the reported score
    cache="decoded",
    shuffle_buffer=400,
    crop_size=(360, 480),
    loss="cross_entropy",
    class_weights="dabnet_camvid",
    batch_size=16,
    steps=1000 * CAMVID_EPOCH,
    optimizer="adam",
    learning_rate=1e-3,
    adam_betas=(0.9, 0.999),
    weight_decay=2e-4,
    checkpoint_every_steps=50 * CAMVID_EPOCH,
)

CITYSCAPES_ONE_GPU = on_one_gpu(CITYSCAPES, batch_size=8, per_device=8)
CAMVID_ONE_GPU = on_one_gpu(CAMVID, batch_size=8, per_device=8)
