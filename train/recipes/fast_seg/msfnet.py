"""MSFNet as its paper trains it (77.2 mIoU on val); no code is published.

Source of every value without another: arXiv:1911.07217v1, text and tables. Ours, where it
is silent: one cycle of the cosine with a rate per step, decay on kernels alone and in the
gradient, ImageNet's deviation beside its mean.
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import SHARED, on_one_gpu

RECIPE: Recipe = replace(
    SHARED,
    name="fast_seg/msfnet",
    source="arXiv:1911.07217v1; what it leaves open is ours",
    model="msfnet",
    model_options={"normalisation": "rgb"},
    initial_weights="pretrained/resnet18.pth",  # torchvision's, ImageNet, RGB
    crop_size=(1024, 1024),
    min_scale=0.5,
    max_scale=2.0,
    scale_step=0.0,
    loss="cross_entropy",
    auxiliary_weight=1.0,  # the class boundary output, at 1/8
    boundary_from="reduced",
    batch_size=12,
    steps=86_771,  # 350 epochs of 2,975 images / 12
    optimizer="adam",
    learning_rate=1e-4,
    schedule="cosine",
    final_learning_rate=1e-6,
    weight_decay=2.5e-5,
    weight_decay_on="convolutions",
)
ONE_GPU: Recipe = on_one_gpu(RECIPE)
