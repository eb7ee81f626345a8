"""SFNet and SFNet-Lite on IDD, in Cityscapes' 19 classes.

How many images there are: Varma et al. 2019 (WACV), 6,993 to train on.
"""

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.sfsegnets.shared import BACKBONES, DEEP_SUPERVISION, SHARED

EPOCH = 218  # 6,993 images: 875 for each of 8 GPUs, 4 at a time

IDD: Recipe = SHARED.replace(
    name="sfsegnets/idd",
    batch_size=32,
    optimizer={"learning_rate": 0.02},
    steps=350 * EPOCH,
    schedule={"update_every_steps": EPOCH},
    log={"checkpoint_every_steps": 5 * EPOCH},
)

SFNET_RESNET18: Recipe = IDD.replace(
    name="sfsegnets/sfnet_resnet18_idd",
    source="SFSegNets ba475ba, train_idd_sfnet_res18.sh",
    model="sfnet_resnet18",
    start={"initial_weights": BACKBONES["resnet18"]},
    optimizer={"learning_rate": 0.01},
    steps=300 * EPOCH,
)
SFNET_STDC1: Recipe = IDD.replace(
    name="sfsegnets/sfnet_stdc1_idd",
    source="SFSegNets ba475ba, train_idd_sfnet_v1_stdc_v1.sh",
    model="sfnet_stdc1",
    start={"initial_weights": BACKBONES["stdc1"]},
)
SFNET_STDC2: Recipe = IDD.replace(
    name="sfsegnets/sfnet_stdc2_idd",
    source="SFSegNets ba475ba, train_idd_sfnet_v1_stdc_v2.sh",
    model="sfnet_stdc2",
    start={"initial_weights": BACKBONES["stdc2"]},
)
SFNET_LITE_RESNET18: Recipe = IDD.replace(
    name="sfsegnets/sfnet_lite_resnet18_idd",
    source="SFSegNets ba475ba, train_idd_sfnet_res18_v2.sh",
    model="sfnet_lite_resnet18",
    start={"initial_weights": BACKBONES["resnet18"]},
    loss={"ohem_min_kept": DEEP_SUPERVISION},
)
SFNET_LITE_STDC1: Recipe = SFNET_LITE_RESNET18.replace(
    name="sfsegnets/sfnet_lite_stdc1_idd",
    source="SFSegNets ba475ba, train_idd_sfnet_v2_stdc_v1.sh",
    model="sfnet_lite_stdc1",
    start={"initial_weights": BACKBONES["stdc1"]},
)
SFNET_LITE_STDC2: Recipe = SFNET_LITE_RESNET18.replace(
    name="sfsegnets/sfnet_lite_stdc2_idd",
    source="SFSegNets ba475ba, train_idd_sfnet_v2_stdc_v2.sh",
    model="sfnet_lite_stdc2",
    start={"initial_weights": BACKBONES["stdc2"]},
)
