"""SFNet and SFNet-Lite on Mapillary Vistas, in its own 65 classes as published.

A run on records in Cityscapes' 19 classes is what Cityscapes is tuned from (79.9 mIoU on val for
SFNet on ResNet-18): --start.initial-weights takes either.
"""

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.sfsegnets.shared import BACKBONES, DEEP_SUPERVISION, SHARED

EPOCH = 562  # 18,000 images: 2,250 for each of 8 GPUs, 4 at a time

MAPILLARY: Recipe = SHARED.replace(
    name="sfsegnets/mapillary",
    batch_size=32,
    optimizer={"learning_rate": 0.02},
    steps=350 * EPOCH,
    schedule={"update_every_steps": EPOCH},
    log={"checkpoint_every_steps": 5 * EPOCH},
)

SFNET_RESNET18: Recipe = MAPILLARY.replace(
    name="sfsegnets/sfnet_resnet18_mapillary",
    source="SFSegNets ba475ba, train_mapillary_sfnet_res18.sh",
    model="sfnet_resnet18",
    start={"initial_weights": BACKBONES["resnet18"]},
    optimizer={"learning_rate": 0.01},
    steps=300 * EPOCH,
)
SFNET_LITE_RESNET18: Recipe = MAPILLARY.replace(
    name="sfsegnets/sfnet_lite_resnet18_mapillary",
    source="SFSegNets ba475ba, train_mapillary_sfnet_res18_v2.sh",
    model="sfnet_lite_resnet18",
    start={"initial_weights": BACKBONES["resnet18"]},
    loss={"ohem_min_kept": DEEP_SUPERVISION},
)
SFNET_LITE_STDC1: Recipe = SFNET_LITE_RESNET18.replace(
    name="sfsegnets/sfnet_lite_stdc1_mapillary",
    source="SFSegNets ba475ba, train_mapillary_sfnet_v2_stdc_v1.sh",
    model="sfnet_lite_stdc1",
    start={"initial_weights": BACKBONES["stdc1"]},
)
SFNET_LITE_STDC2: Recipe = SFNET_LITE_RESNET18.replace(
    name="sfsegnets/sfnet_lite_stdc2_mapillary",
    source="SFSegNets ba475ba, train_mapillary_sfnet_v2_stdc_v2.sh",
    model="sfnet_lite_stdc2",
    start={"initial_weights": BACKBONES["stdc2"]},
)
