"""SwiftNet RN18, 128 wide, as its authors train it (75.5 mIoU on test); Fast_Seg has no script.

Source of every value without another: orsic/swiftnet 2b88990, configs/rn18_single_scale.py. It
normalises by Cityscapes' own mean and deviation, here by ImageNet's, as Fast_Seg does, and resizes
with half-pixel centres, here with aligned corners (option align_corners). There the backbone's rate
ends at 1e-6 as well, here at a quarter of it.
"""

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import SHARED, on_one_gpu

RECIPE: Recipe = SHARED.replace(
    name="fast_seg/swiftnet",
    source="orsic/swiftnet 2b88990, configs/rn18_single_scale.py; deep supervision is ours",
    model="swiftnet",
    network={
        # Fast_Seg's own form is as wide as there are classes, and has no layer for them.
        "options": {"features": 128, "normalisation": "rgb"},
        # Deep supervision is Fast_Seg's advice; the authors have none.
        "auxiliary_heads": True,
    },
    start={
        "initial_weights": "pretrained/resnet18.pth",  # torchvision's, ImageNet, RGB
    },
    augment={
        "crop_size": (768, 768),
        # There a square of 0.5 to 2 times 768 becomes 768: the same range, its inverse uniform.
        "min_scale": 0.5,
        "max_scale": 2.0,
        "scale_step": 0.0,
    },
    loss={"kind": "cross_entropy"},
    batch_size=14,
    steps=53_000,  # 250 epochs of 212 whole batches; the rate falls once an epoch there
    optimizer={
        "kind": "adam",
        "learning_rate": 4e-4,
        "adam_betas": (0.9, 0.99),
        "weight_decay": 1e-4,
        "weight_decay_on": "all",
        "pretrained_layers": ("conv1", "bn1", "layer"),
        "pretrained_factor": 0.25,  # rate and decay, both divided by 4
    },
    schedule={
        "kind": "cosine",
        "final_learning_rate": 1e-6,
    },
)
ONE_GPU: Recipe = on_one_gpu(RECIPE)
