"""BiSeNet with ResNet-18. Fast_Seg has no script for it, and its training build applies no head.

Chosen: the shared recipe; from scratch, since Fast_Seg names no weights for this deep-stem
backbone, so 60,000 steps as it advises without them. The auxiliary heads' loss and weight are those
of the network's original, TorchSeg (all three outputs mined, weights 1, 1, 1).
"""

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import SHARED, on_one_gpu

RECIPE: Recipe = SHARED.replace(
    name="fast_seg/bisenet",
    source="none published; the shared recipe of Fast_Seg 7895738, losses of TorchSeg",
    model="bisenet",
    network={"options": {"normalisation": "rgb"}},
    augment={"crop_size": (1024, 1024)},
    steps=60_000,
    loss={
        "auxiliary_kind": "ohem",
        "auxiliary_weight": 1.0,
    },
)
ONE_GPU: Recipe = on_one_gpu(RECIPE)
