"""DF-Seg v2 as Fast_Seg means to train it; its own loss wants a second output, which it lacks.

Source: Fast_Seg 7895738, train_dfsegv2.sh. The auxiliary head is ours, with the shared weight.
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import SHARED, on_one_gpu

RECIPE: Recipe = replace(
    SHARED,
    name="fast_seg/dfseg_v2",
    source="Fast_Seg 7895738, train_dfsegv2.sh; auxiliary head and pyramid padding are ours",
    model="dfseg_v2",
    # The published padding of 1 shifts the pyramid's features; a new training need not.
    model_options={"normalisation": "rgb", "ppm_padding": 0},  # --rgb 1
    initial_weights="pretrained/df2_imagenet.pth",  # ImageNet
    crop_size=(832, 832),
    steps=50_000,
)
ONE_GPU: Recipe = on_one_gpu(RECIPE)
