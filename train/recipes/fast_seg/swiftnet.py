"""SwiftNet RN18, 128 wide, as its authors train it (75.4 mIoU on val); Fast_Seg has no script.

Source of every value without another: orsic/swiftnet 2b88990, configs/rn18_single_scale.py.
"""

from dataclasses import replace

from roadseg.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import SHARED, on_one_gpu

RECIPE: Recipe = replace(
    SHARED,
    name="fast_seg/swiftnet",
    source="orsic/swiftnet 2b88990, configs/rn18_single_scale.py; scales and deep supervision ours",
    model="swiftnet",
    # Fast_Seg's own form is as wide as there are classes, and has no layer for them.
    model_options={"features": 128, "normalisation": "rgb"},
    initial_weights="pretrained/resnet18.pth",  # torchvision's, ImageNet, RGB
    crop_size=(768, 768),
    min_scale=0.5,  # "random scale" there; 0.5 to 2 is the usual range
    max_scale=2.0,
    scale_step=0.0,
    loss="cross_entropy",
    # Deep supervision is Fast_Seg's advice; the authors have none (--auxiliary-heads false).
    auxiliary_heads=True,
    batch_size=14,
    steps=53_125,  # 250 epochs of 2,975 images / 14
    optimizer="adam",
    learning_rate=4e-4,
    schedule="cosine",
    final_learning_rate=1e-6,
    adam_betas=(0.9, 0.99),
    weight_decay=1e-4,
    weight_decay_on="all",
    pretrained_layers=("conv1", "bn1", "layer"),
    pretrained_factor=0.25,  # rate and decay, both divided by 4
)
ONE_GPU: Recipe = on_one_gpu(RECIPE)
