"""PSPNet: a dilated ResNet at 1/8 with pyramid pooling, the teacher of ICNet and its like.

Paper: Zhao et al. 2017 (arXiv:1612.01105).
Source: lxtGH/Fast_Seg, commit 7895738 (Apache 2.0).
Changed: logits come at input size; a list of outputs became a dict.
"""

from functools import partial

import keras

from roadseg.backbones.resnet import DEEP_STEM, resnet
from roadseg.layers.auxiliary_head import auxiliary_head
from roadseg.layers.convolution import conv
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.pyramid_pooling import pyramid_pooling


def pspnet(
    depth: int,
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    auxiliary_heads: bool = False,
    normalisation: Normalisation = "bgr",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    depth: of the ResNet, 50 or 101. It has a deep stem, a max pool in ceil mode, and dilations 2
        and 4 in place of the last two strides: 1024x2048 gives maps of 129x257.
    Any size. Images are RGB, 0..255, turned to BGR as the backbone's published weights want it;
    without `include_preprocessing` already normalised. Logits are unnormalised, float32, at input
    size; they are decided at 1/8 (layer `head.1`) and enlarged bilinearly with aligned corners.
    auxiliary_heads: return {"logits": ..., "aux": ...} for training, the second from the third
        stage (layer `dsn.4`).
    """
    images, x = image_input(input_shape, 1, normalisation, include_preprocessing)
    strides, dilations = (1, 2, 1, 1), (1, 1, 2, 4)
    stages = resnet(x, depth, stem=DEEP_STEM, strides=strides, dilations=dilations, ceil_mode=True)
    x = pyramid_pooling(stages[3].features, 512, "head.0")
    heads = {"logits": conv(x, num_classes, 1, "head.1", use_bias=True)}
    if auxiliary_heads:
        heads["aux"] = auxiliary_head(stages[2].features, 512, num_classes, "dsn")
    return segmentation_model(images, heads, f"pspnet_{depth}")


pspnet_50 = partial(pspnet, 50)
pspnet_101 = partial(pspnet, 101)
