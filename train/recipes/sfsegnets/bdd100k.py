"""SFNet and SFNet-Lite on BDD100K (1280x720), classes as they come but for SFNet-Lite on STDC2.

Images are smaller than a tile of 1024, so the original finds no centroid in them; see `shared`.
"""

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.sfsegnets.shared import BACKBONES, DEEP_SUPERVISION, SHARED

EPOCH = 218  # 7,000 images: 875 for each of 8 GPUs, 4 at a time

BDD100K: Recipe = SHARED.replace(
    name="sfsegnets/bdd100k",
    class_uniform={"fraction": 0.0},
    batch_size=32,
    optimizer={"learning_rate": 0.01},
    steps=350 * EPOCH,
    schedule={"update_every_steps": EPOCH},
    log={"checkpoint_every_steps": 5 * EPOCH},
)

SFNET_RESNET18: Recipe = BDD100K.replace(
    name="sfsegnets/sfnet_resnet18_bdd100k",
    source="SFSegNets ba475ba, train_bdd_sfnet_res18.sh; 60.6 on val",
    model="sfnet_resnet18",
    start={"initial_weights": BACKBONES["resnet18"]},
    steps=300 * EPOCH,
)
SFNET_DFNET_V1: Recipe = BDD100K.replace(
    name="sfsegnets/sfnet_dfnet_v1_bdd100k",
    source="SFSegNets ba475ba, train_bdd_sfnet_dfv1.sh; 55.4 on val",
    model="sfnet_dfnet_v1",
    start={"initial_weights": BACKBONES["dfnet_v1"]},
)
SFNET_DFNET_V2: Recipe = BDD100K.replace(
    name="sfsegnets/sfnet_dfnet_v2_bdd100k",
    source="SFSegNets ba475ba, train_bdd_sfnet_dfv2.sh; 60.2 on val",
    model="sfnet_dfnet_v2",
    start={"initial_weights": BACKBONES["dfnet_v2"]},
)
SFNET_LITE_RESNET18: Recipe = BDD100K.replace(
    name="sfsegnets/sfnet_lite_resnet18_bdd100k",
    source="SFSegNets ba475ba, train_bdd_sfnet_res18_v2.sh",
    model="sfnet_lite_resnet18",
    start={"initial_weights": BACKBONES["resnet18"]},
    loss={"ohem_min_kept": DEEP_SUPERVISION},
    optimizer={"learning_rate": 0.02},
)
SFNET_LITE_STDC2: Recipe = SFNET_LITE_RESNET18.replace(
    name="sfsegnets/sfnet_lite_stdc2_bdd100k",
    source="SFSegNets ba475ba, train_bdd_sfnet_v2_stdc_v2.sh",
    model="sfnet_lite_stdc2",
    start={"initial_weights": BACKBONES["stdc2"]},
    class_uniform={"fraction": 0.5},
)
