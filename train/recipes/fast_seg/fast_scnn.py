"""Fast-SCNN from scratch. Fast_Seg publishes no script for it.

Chosen: the shared recipe at the larger crop, for twice the 60,000 steps that Fast_Seg advises for
small networks without ImageNet weights: a short schedule costs this one much (a copy of it
elsewhere, Tramac/Fast-SCNN-pytorch, reports 54.84 mIoU on val; the paper 68.0 on test).
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import SHARED, on_one_gpu

RECIPE: Recipe = replace(
    SHARED,
    name="fast_seg/fast_scnn",
    source="none published; the shared recipe of Fast_Seg 7895738, steps and crop from its advice",
    model="fast_scnn",
    model_options={"normalisation": "rgb"},
    initial_weights="none",
    crop_size=(1024, 1024),
    steps=120_000,
)
ONE_GPU: Recipe = on_one_gpu(RECIPE)
