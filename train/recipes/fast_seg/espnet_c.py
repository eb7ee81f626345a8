"""ESPNet-C (p = 2, q = 8), the encoder alone: the first stage of its authors' training.

Source of every value without another: sacmehta/ESPNet afe71c3, train/main.py and its README. They
compare at 1/8 with labels reduced to it; here logits are enlarged to the label's size, as all of
Fast_Seg does. On scales and crop see fast_seg/espnet.
"""

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.espnet import RECIPE as ESPNET
from roadseg.train.recipes.fast_seg.shared import on_one_gpu

RECIPE: Recipe = ESPNET.replace(
    name="fast_seg/espnet_c",
    source="sacmehta/ESPNet afe71c3, train/main.py; loss at full size and one crop size are ours",
    model="espnet_c",
    network={"options": {"p": 2, "q": 8, "normalisation": "espnet_cityscapes"}},
    batch_size=12,  # there 14 for the middle copy, 16 for the two small ones
    steps=371_875,  # 300 epochs x 5 copies x 2,975 images / 12
    schedule={
        "halve_every_steps": 123_958,  # 100 epochs
    },
)
ONE_GPU: Recipe = on_one_gpu(RECIPE)
