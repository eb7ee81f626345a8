"""DFANet-A as Fast_Seg means to train it.

Source: Fast_Seg 7895738, train_dfanet.sh and CriterionDFANet.
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import SHARED, on_one_gpu

RECIPE: Recipe = replace(
    SHARED,
    name="fast_seg/dfanet",
    source="Fast_Seg 7895738, train_dfanet.sh",
    model="dfanet",
    model_options={"normalisation": "rgb"},  # --rgb 1
    initial_weights="pretrained/xceptiona_imagenet.pth",  # ImageNet
    crop_size=(1024, 1024),
    steps=60_000,  # its loader makes 60,244 of them
    auxiliary_loss="ohem",  # all three outputs are mined
)
ONE_GPU: Recipe = on_one_gpu(RECIPE)
