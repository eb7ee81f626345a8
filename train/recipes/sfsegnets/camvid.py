"""SFNet on CamVid (720x960, 11 classes), trained on train and val; no script is published.

Chosen: the shared recipe with crops as large as an image, 16 of them, and 500 epochs, about a
quarter of the steps on Cityscapes for a sixth of its images. The papers report mIoU on test.
"""

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.sfsegnets.shared import BACKBONES, DEEP_SUPERVISION, SHARED

EPOCH = 29  # 468 images, 16 at a time

CAMVID: Recipe = SHARED.replace(
    name="sfsegnets/camvid",
    split="train+val",
    augment={"crop_size": (720, 960)},
    data={"cache": "encoded"},
    batch_size=16,
    optimizer={"learning_rate": 0.01},
    steps=500 * EPOCH,
    schedule={"update_every_steps": EPOCH},
    log={"checkpoint_every_steps": 20 * EPOCH},
)

SFNET_RESNET18: Recipe = CAMVID.replace(
    name="sfsegnets/sfnet_resnet18_camvid",
    source="no script; as Cityscapes of SFSegNets ba475ba, crop and steps are ours; 73.8 on test",
    model="sfnet_resnet18",
    start={"initial_weights": BACKBONES["resnet18"]},
)
SFNET_DFNET_V2: Recipe = CAMVID.replace(
    name="sfsegnets/sfnet_dfnet_v2_camvid",
    source="no script; as Cityscapes of SFSegNets ba475ba, crop and steps are ours; 70.4 on test",
    model="sfnet_dfnet_v2",
    start={"initial_weights": BACKBONES["dfnet_v2"]},
    network={"auxiliary_heads": True},
    loss={"ohem_min_kept": DEEP_SUPERVISION},
)
