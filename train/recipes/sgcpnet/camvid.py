"""SGCPNet on CamVid (720x960, 11 classes), from an older configuration than that of Cityscapes.

Source of every value without another: zhouyuan888888/SGCPNet, commit ead5adf, a configuration that
is there compiled alone, dated August 2020. It ships no list of images. Of the smaller records of
SegNet's tutorial (360x480) a crop of 720 would be a quarter full: give --crop-size 360 360.
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.fast_seg.shared import on_one_gpu
from roadseg.train.recipes.sgcpnet.cityscapes import RECIPE as CITYSCAPES

EPOCH = 367 // 48  # the split is ours: train of SegNet's tutorial, its last batch dropped

RECIPE: Recipe = replace(
    CITYSCAPES,
    name="sgcpnet/camvid",
    source="SGCPNet ead5adf, compiled configuration of August 2020; the split is ours",
    crop_size=(720, 720),
    shuffle_buffer=400,  # all images
    cache="encoded",
    batch_size=48,
    learning_rate=0.3,
    steps=250 * EPOCH,
    checkpoint_every_steps=25 * EPOCH,
)
ONE_GPU: Recipe = on_one_gpu(RECIPE)
