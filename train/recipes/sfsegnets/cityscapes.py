"""SFNet and SFNet-Lite on Cityscapes; published results are mIoU on val of one scale.

Where no script is published (ResNet-50, STDC, SFNet-Lite on STDC1) the numbers are those of the
script for the nearest backbone. The script for DFNet v2 builds DFNet v1; here it is v2.
"""

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.sfsegnets.shared import BACKBONES, DEEP_SUPERVISION, SHARED

EPOCH = 186  # 2,975 images: 372 for each of 8 GPUs, 2 at a time
EPOCH_TRAINVAL = 217  # 3,475 images

CITYSCAPES: Recipe = SHARED.replace(
    name="sfsegnets/cityscapes",
    batch_size=16,
    optimizer={"learning_rate": 0.01},
    steps=300 * EPOCH,
    schedule={"update_every_steps": EPOCH},
    log={
        "checkpoint_every_steps": 5 * EPOCH,  # there after every epoch
    },
)

SFNET_RESNET18: Recipe = CITYSCAPES.replace(
    name="sfsegnets/sfnet_resnet18_cityscapes",
    source="SFSegNets ba475ba, train_cityscapes_sfnet_res18.sh; 79.0 (not class-uniform: 78.4)",
    model="sfnet_resnet18",
    start={"initial_weights": BACKBONES["resnet18"]},
)
SFNET_RESNET18_SIDE_HEADS: Recipe = SFNET_RESNET18.replace(
    name="sfsegnets/sfnet_resnet18_cityscapes_side_heads",
    source="SFSegNets, train_cityscapes_sfnet_res18_dsn.sh",
    network={"auxiliary_heads": True},
    loss={"ohem_min_kept": DEEP_SUPERVISION},
)
SFNET_RESNET50: Recipe = CITYSCAPES.replace(
    name="sfsegnets/sfnet_resnet50_cityscapes",
    source="no script; as ResNet-101 of SFSegNets ba475ba; 80.4",
    model="sfnet_resnet50",
    start={"initial_weights": BACKBONES["resnet50"]},
)
SFNET_RESNET101: Recipe = CITYSCAPES.replace(
    name="sfsegnets/sfnet_resnet101_cityscapes",
    source="SFSegNets ba475ba, train_cityscapes_sfnet_res101.sh; 81.2",
    model="sfnet_resnet101",
    start={"initial_weights": BACKBONES["resnet101"]},
)
SFNET_DFNET_V1: Recipe = CITYSCAPES.replace(
    name="sfsegnets/sfnet_dfnet_v1_cityscapes",
    source="SFSegNets ba475ba, train_cityscapes_sfnet_dfv1.sh; 72.2",
    model="sfnet_dfnet_v1",
    start={"initial_weights": BACKBONES["dfnet_v1"]},
    network={"auxiliary_heads": True},
    loss={"ohem_min_kept": DEEP_SUPERVISION},
)
SFNET_DFNET_V2: Recipe = SFNET_DFNET_V1.replace(
    name="sfsegnets/sfnet_dfnet_v2_cityscapes",
    source="SFSegNets ba475ba, train_cityscapes_sfnet_dfv2.sh, with DFNet v2; 75.8",
    model="sfnet_dfnet_v2",
    start={"initial_weights": BACKBONES["dfnet_v2"]},
)
SFNET_STDC1: Recipe = CITYSCAPES.replace(
    name="sfsegnets/sfnet_stdc1_cityscapes",
    source="no script; as ResNet-18 of SFSegNets ba475ba",
    model="sfnet_stdc1",
    start={"initial_weights": BACKBONES["stdc1"]},
)
SFNET_STDC2: Recipe = SFNET_STDC1.replace(
    name="sfsegnets/sfnet_stdc2_cityscapes",
    model="sfnet_stdc2",
    start={"initial_weights": BACKBONES["stdc2"]},
)

SFNET_LITE_RESNET18: Recipe = CITYSCAPES.replace(
    name="sfsegnets/sfnet_lite_resnet18_cityscapes",
    source="SFSegNets ba475ba, train_cityscapes_sfnet_res18_v2_lite_1000e.sh",
    model="sfnet_lite_resnet18",
    start={"initial_weights": BACKBONES["resnet18"]},
    loss={"ohem_min_kept": DEEP_SUPERVISION},
    steps=1000 * EPOCH,
)
SFNET_LITE_RESNET18_COARSE: Recipe = SFNET_LITE_RESNET18.replace(
    name="sfsegnets/sfnet_lite_resnet18_cityscapes_coarse",
    source="SFSegNets ba475ba, train_cityscapes_sfnet_res18_v2_lite_1000e_coarse_boost.sh",
    class_uniform={
        "coarse_split": "train_extra",  # roadseg convert cityscapes --coarse
        # Truck, bus, train, wall, rider, motorcycle, fence.
        "coarse_classes": (14, 15, 16, 3, 12, 17, 4),
    },
)
SFNET_LITE_RESNET18_COARSE_TRAINVAL: Recipe = SFNET_LITE_RESNET18_COARSE.replace(
    name="sfsegnets/sfnet_lite_resnet18_cityscapes_coarse_trainval",
    source="SFSegNets ba475ba, ..._1000e_coarse_boost_trainval.sh; 80.1 on test",
    split="train+val",  # its score on val is then one on images it has seen
    steps=1000 * EPOCH_TRAINVAL,
    schedule={"update_every_steps": EPOCH_TRAINVAL},
    log={"checkpoint_every_steps": 5 * EPOCH_TRAINVAL},
)
SFNET_LITE_STDC1: Recipe = SFNET_LITE_RESNET18.replace(
    name="sfsegnets/sfnet_lite_stdc1_cityscapes",
    source="no script; as STDC2 of SFSegNets ba475ba",
    model="sfnet_lite_stdc1",
    start={"initial_weights": BACKBONES["stdc1"]},
)
SFNET_LITE_STDC2: Recipe = SFNET_LITE_RESNET18.replace(
    name="sfsegnets/sfnet_lite_stdc2_cityscapes",
    source="SFSegNets ba475ba, train_cityscapes_sfnet_stdc2_v2_1000e.sh",
    model="sfnet_lite_stdc2",
    start={"initial_weights": BACKBONES["stdc2"]},
)
