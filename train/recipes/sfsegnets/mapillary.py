"""SFNet and SFNet-Lite on Mapillary Vistas, in its own 65 classes as published.

A run on records in Cityscapes' 19 classes is what Cityscapes is tuned from (79.9 mIoU on val for
SFNet on ResNet-18): --initial-weights takes either.
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.sfsegnets.shared import DEEP_SUPERVISION, SHARED, TRUNKS

EPOCH = 562  # 18,000 images: 2,250 for each of 8 GPUs, 4 at a time

MAPILLARY: Recipe = replace(
    SHARED,
    name="sfsegnets/mapillary",
    batch_size=32,
    learning_rate=0.02,
    steps=350 * EPOCH,
    rate_every_steps=EPOCH,
    checkpoint_every_steps=5 * EPOCH,
)

SFNET_RESNET18: Recipe = replace(
    MAPILLARY,
    name="sfsegnets/sfnet_resnet18_mapillary",
    source="SFSegNets ba475ba, train_mapillary_sfnet_res18.sh",
    model="sfnet_resnet18",
    initial_weights=TRUNKS["resnet18"],
    learning_rate=0.01,
    steps=300 * EPOCH,
)
SFNET_LITE_RESNET18: Recipe = replace(
    MAPILLARY,
    name="sfsegnets/sfnet_lite_resnet18_mapillary",
    source="SFSegNets ba475ba, train_mapillary_sfnet_res18_v2.sh",
    model="sfnet_lite_resnet18",
    initial_weights=TRUNKS["resnet18"],
    ohem_min_kept=DEEP_SUPERVISION,
)
SFNET_LITE_STDC1: Recipe = replace(
    SFNET_LITE_RESNET18,
    name="sfsegnets/sfnet_lite_stdc1_mapillary",
    source="SFSegNets ba475ba, train_mapillary_sfnet_v2_stdc_v1.sh",
    model="sfnet_lite_stdc1",
    initial_weights=TRUNKS["stdc1"],
)
SFNET_LITE_STDC2: Recipe = replace(
    SFNET_LITE_RESNET18,
    name="sfsegnets/sfnet_lite_stdc2_mapillary",
    source="SFSegNets ba475ba, train_mapillary_sfnet_v2_stdc_v2.sh",
    model="sfnet_lite_stdc2",
    initial_weights=TRUNKS["stdc2"],
)
