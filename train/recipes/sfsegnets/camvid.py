"""SFNet on CamVid (720x960, 11 classes), trained on train and val; no script is published.

Chosen: the shared recipe with crops as large as an image, 16 of them, and 500 epochs, about a
quarter of the steps on Cityscapes for a sixth of its images. The papers report mIoU on test.
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.sfsegnets.shared import DEEP_SUPERVISION, SHARED, TRUNKS

EPOCH = 29  # 468 images, 16 at a time

CAMVID: Recipe = replace(
    SHARED,
    name="sfsegnets/camvid",
    split="train+val",
    crop_size=(720, 960),
    cache="encoded",
    batch_size=16,
    learning_rate=0.01,
    steps=500 * EPOCH,
    rate_every_steps=EPOCH,
    checkpoint_every_steps=20 * EPOCH,
)

SFNET_RESNET18: Recipe = replace(
    CAMVID,
    name="sfsegnets/sfnet_resnet18_camvid",
    source="no script; as Cityscapes of SFSegNets ba475ba, crop and steps are ours; 73.8 on test",
    model="sfnet_resnet18",
    initial_weights=TRUNKS["resnet18"],
)
SFNET_DFNET_V2: Recipe = replace(
    CAMVID,
    name="sfsegnets/sfnet_dfnet_v2_camvid",
    source="no script; as Cityscapes of SFSegNets ba475ba, crop and steps are ours; 70.4 on test",
    model="sfnet_dfnet_v2",
    initial_weights=TRUNKS["dfnet_v2"],
    auxiliary_heads=True,
    ohem_min_kept=DEEP_SUPERVISION,
)
