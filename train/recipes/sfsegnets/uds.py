"""SFNet and SFNet-Lite on UDS: BDD100K, Mapillary Vistas, IDD and Cityscapes in 19 classes."""

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.sfsegnets.shared import BACKBONES, DEEP_SUPERVISION, SHARED

EPOCH = 1_092  # 7,000 + 18,000 + 6,993 + 2,975 images: 4,371 for each of 8 GPUs, 4 at a time

UDS: Recipe = SHARED.replace(
    name="sfsegnets/uds",
    batch_size=32,
    optimizer={"learning_rate": 0.02},
    steps=120 * EPOCH,
    schedule={"update_every_steps": EPOCH},
    log={"checkpoint_every_steps": 5 * EPOCH},
)

SFNET_STDC1: Recipe = UDS.replace(
    name="sfsegnets/sfnet_stdc1_uds",
    source="SFSegNets ba475ba, train_merged_sfnet_v1_stdc_v1.sh",
    model="sfnet_stdc1",
    start={"initial_weights": BACKBONES["stdc1"]},
)
SFNET_STDC2: Recipe = UDS.replace(
    name="sfsegnets/sfnet_stdc2_uds",
    source="SFSegNets ba475ba, train_merged_sfnet_v1_stdc_v2.sh",
    model="sfnet_stdc2",
    start={"initial_weights": BACKBONES["stdc2"]},
)
SFNET_LITE_RESNET18: Recipe = UDS.replace(
    name="sfsegnets/sfnet_lite_resnet18_uds",
    source="SFSegNets ba475ba, train_merged_sfnet_res18_v2.sh",
    model="sfnet_lite_resnet18",
    start={"initial_weights": BACKBONES["resnet18"]},
    loss={"ohem_min_kept": DEEP_SUPERVISION},
)
SFNET_LITE_STDC1: Recipe = SFNET_LITE_RESNET18.replace(
    name="sfsegnets/sfnet_lite_stdc1_uds",
    source="SFSegNets ba475ba, train_merged_sfnet_v2_stdc_v1.sh",
    model="sfnet_lite_stdc1",
    start={"initial_weights": BACKBONES["stdc1"]},
    steps=350 * EPOCH,
)
SFNET_LITE_STDC2: Recipe = SFNET_LITE_STDC1.replace(
    name="sfsegnets/sfnet_lite_stdc2_uds",
    source="SFSegNets ba475ba, train_merged_sfnet_v2_stdc_v2.sh",
    model="sfnet_lite_stdc2",
    start={"initial_weights": BACKBONES["stdc2"]},
)
