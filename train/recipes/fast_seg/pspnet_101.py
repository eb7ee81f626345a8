"""PSPNet with ResNet-101. The script that Fast_Seg has for PSPNet is empty.

Chosen: the shared recipe, with the backbone and BGR input that its ICNet starts from.
"""

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import SHARED, on_one_gpu

RECIPE: Recipe = SHARED.replace(
    name="fast_seg/pspnet_101",
    source="none published (train_pspnet.sh is empty); the shared recipe of Fast_Seg 7895738",
    model="pspnet_101",
    network={"options": {"normalisation": "bgr"}},
    start={
        "initial_weights": "pretrained/resnet101-deep.pth",  # ImageNet, BGR
    },
    augment={"crop_size": (832, 832)},
    steps=50_000,
)
ONE_GPU: Recipe = on_one_gpu(RECIPE)
