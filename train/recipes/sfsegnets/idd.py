"""SFNet and SFNet-Lite on IDD, in Cityscapes' 19 classes.

How many images there are: Varma et al. 2019 (WACV), 6,993 to train on.
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.sfsegnets.shared import DEEP_SUPERVISION, SHARED, TRUNKS

EPOCH = 218  # 6,993 images: 875 for each of 8 GPUs, 4 at a time

IDD: Recipe = replace(
    SHARED,
    name="sfsegnets/idd",
    batch_size=32,
    learning_rate=0.02,
    steps=350 * EPOCH,
    rate_every_steps=EPOCH,
    checkpoint_every_steps=5 * EPOCH,
)

SFNET_RESNET18: Recipe = replace(
    IDD,
    name="sfsegnets/sfnet_resnet18_idd",
    source="SFSegNets ba475ba, train_idd_sfnet_res18.sh",
    model="sfnet_resnet18",
    initial_weights=TRUNKS["resnet18"],
    learning_rate=0.01,
    steps=300 * EPOCH,
)
SFNET_STDC1: Recipe = replace(
    IDD,
    name="sfsegnets/sfnet_stdc1_idd",
    source="SFSegNets ba475ba, train_idd_sfnet_v1_stdc_v1.sh",
    model="sfnet_stdc1",
    initial_weights=TRUNKS["stdc1"],
)
SFNET_STDC2: Recipe = replace(
    IDD,
    name="sfsegnets/sfnet_stdc2_idd",
    source="SFSegNets ba475ba, train_idd_sfnet_v1_stdc_v2.sh",
    model="sfnet_stdc2",
    initial_weights=TRUNKS["stdc2"],
)
SFNET_LITE_RESNET18: Recipe = replace(
    IDD,
    name="sfsegnets/sfnet_lite_resnet18_idd",
    source="SFSegNets ba475ba, train_idd_sfnet_res18_v2.sh",
    model="sfnet_lite_resnet18",
    initial_weights=TRUNKS["resnet18"],
    ohem_min_kept=DEEP_SUPERVISION,
)
SFNET_LITE_STDC1: Recipe = replace(
    SFNET_LITE_RESNET18,
    name="sfsegnets/sfnet_lite_stdc1_idd",
    source="SFSegNets ba475ba, train_idd_sfnet_v2_stdc_v1.sh",
    model="sfnet_lite_stdc1",
    initial_weights=TRUNKS["stdc1"],
)
SFNET_LITE_STDC2: Recipe = replace(
    SFNET_LITE_RESNET18,
    name="sfsegnets/sfnet_lite_stdc2_idd",
    source="SFSegNets ba475ba, train_idd_sfnet_v2_stdc_v2.sh",
    model="sfnet_lite_stdc2",
    initial_weights=TRUNKS["stdc2"],
)
