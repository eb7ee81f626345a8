"""ICNet as Fast_Seg trains it: 74.5 mIoU reported, of a split that is not named.

Source: Fast_Seg 7895738, train_icnet.sh and CriterionICNet.
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import SHARED, on_one_gpu

RECIPE: Recipe = replace(
    SHARED,
    name="fast_seg/icnet",
    source="Fast_Seg 7895738, train_icnet.sh",
    model="icnet",
    model_options={"normalisation": "bgr"},  # --rgb 0
    initial_weights="pretrained/resnet50-deep.pth",  # ImageNet, BGR
    crop_size=(832, 832),
    steps=50_000,
    auxiliary_loss="ohem",  # all four outputs are mined
)
ONE_GPU: Recipe = on_one_gpu(RECIPE)
