"""ESPNet (p = 2, q = 8) from scratch, as near to its authors' training as one pass comes.

Source of every value without another: sacmehta/ESPNet afe71c3, train/main.py and its README.
They pass five scaled copies of the data in each epoch, 1536x768 to 512x256 wide, each at its own
size; here the scale is drawn from the same five and the crop is the middle size, so that the
larger ones are cut and the smaller padded (the copy of 1280x720 is 1280x640 here). They train the
encoder alone first (fast_seg/espnet_c) and go on from it; here its classes are an auxiliary head,
as Fast_Seg advises deep supervision.
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import SHARED, on_one_gpu

RECIPE: Recipe = replace(
    SHARED,
    name="fast_seg/espnet",
    source="sacmehta/ESPNet afe71c3, train/main.py; one stage and one crop size are ours",
    model="espnet",
    # The fusion of the training copy; the published Cityscapes weights have 'stem'.
    model_options={"p": 2, "q": 8, "fusion": "stem+image", "normalisation": "espnet_cityscapes"},
    void_class=True,  # 20 classes, nothing ignored
    crop_size=(512, 1024),
    min_scale=0.25,  # 0.25, 0.375 .. 0.75 of 1024x2048
    max_scale=0.75,
    scale_step=0.125,
    loss="cross_entropy",
    class_weights="frequency",  # 1 / ln(1.10 + frequency)
    batch_size=6,  # there 8 for the middle copy, 10 for the two small ones
    steps=743_750,  # 300 epochs x 5 copies x 2,975 images / 6
    optimizer="adam",
    learning_rate=5e-4,
    schedule="halving",
    halve_every_steps=247_917,  # 100 epochs
    adam_betas=(0.9, 0.999),
    weight_decay=5e-4,
)
ONE_GPU: Recipe = on_one_gpu(RECIPE)
