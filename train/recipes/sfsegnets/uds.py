"""SFNet and SFNet-Lite on UDS: BDD100K, Mapillary Vistas, IDD and Cityscapes in 19 classes."""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.sfsegnets.shared import DEEP_SUPERVISION, SHARED, TRUNKS

EPOCH = 1_092  # 7,000 + 18,000 + 6,993 + 2,975 images: 4,371 for each of 8 GPUs, 4 at a time

UDS: Recipe = replace(
    SHARED,
    name="sfsegnets/uds",
    batch_size=32,
    learning_rate=0.02,
    steps=120 * EPOCH,
    rate_every_steps=EPOCH,
    checkpoint_every_steps=5 * EPOCH,
)

SFNET_STDC1: Recipe = replace(
    UDS,
    name="sfsegnets/sfnet_stdc1_uds",
    source="SFSegNets ba475ba, train_merged_sfnet_v1_stdc_v1.sh",
    model="sfnet_stdc1",
    initial_weights=TRUNKS["stdc1"],
)
SFNET_STDC2: Recipe = replace(
    UDS,
    name="sfsegnets/sfnet_stdc2_uds",
    source="SFSegNets ba475ba, train_merged_sfnet_v1_stdc_v2.sh",
    model="sfnet_stdc2",
    initial_weights=TRUNKS["stdc2"],
)
SFNET_LITE_RESNET18: Recipe = replace(
    UDS,
    name="sfsegnets/sfnet_lite_resnet18_uds",
    source="SFSegNets ba475ba, train_merged_sfnet_res18_v2.sh",
    model="sfnet_lite_resnet18",
    initial_weights=TRUNKS["resnet18"],
    ohem_min_kept=DEEP_SUPERVISION,
)
SFNET_LITE_STDC1: Recipe = replace(
    SFNET_LITE_RESNET18,
    name="sfsegnets/sfnet_lite_stdc1_uds",
    source="SFSegNets ba475ba, train_merged_sfnet_v2_stdc_v1.sh",
    model="sfnet_lite_stdc1",
    initial_weights=TRUNKS["stdc1"],
    steps=350 * EPOCH,
)
SFNET_LITE_STDC2: Recipe = replace(
    SFNET_LITE_STDC1,
    name="sfsegnets/sfnet_lite_stdc2_uds",
    source="SFSegNets ba475ba, train_merged_sfnet_v2_stdc_v2.sh",
    model="sfnet_lite_stdc2",
    initial_weights=TRUNKS["stdc2"],
)
