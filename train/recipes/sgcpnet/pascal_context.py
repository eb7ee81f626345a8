"""SGCPNet on PASCAL-Context (60 classes), from an older configuration than that of Cityscapes.

Source of every value without another: zhouyuan888888/SGCPNet, commit ead5adf, a configuration that
is there compiled alone, dated August 2020. The records are those of `roadseg convert folder`.
"""

from dataclasses import replace

from roadseg.recipe.recipe import Recipe
from roadseg.train.recipes.sgcpnet.cityscapes import RECIPE as CITYSCAPES

EPOCH = 4998 // 48  # training images of Mottaghi et al. 2014

RECIPE: Recipe = replace(
    CITYSCAPES,
    name="sgcpnet/pascal_context",
    source="SGCPNet ead5adf, compiled configuration of August 2020",
    crop_size=(1024, 1024),
    batch_size=48,
    learning_rate=0.1,
    steps=200 * EPOCH,
    checkpoint_every_steps=10 * EPOCH,
)
