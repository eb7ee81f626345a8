"""SFNet-Lite: one gated step of semantic flow, from 1/32 straight to 1/4, in place of a ladder.

Paper: Li et al. 2023, "SFNet: Faster and Accurate Semantic Segmentation via Semantic Flow"
(arXiv:2207.04415).
Source: lxtGH/SFSegNets, commit ba475ba (MIT by its README).
Changed: side heads and a third lateral, which the code builds and never runs, are left out.
"""

from functools import partial

import keras

from roadseg.layers.feature_pyramid import class_logits, lateral_conv
from roadseg.layers.flow_alignment import Gate, gated_flow_alignment
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.pyramid_pooling import pyramid_pooling
from roadseg.models.sfnet_backbones import BACKBONES

WIDTH = 128
"""Channels of the head, on every backbone."""


def sfnet_lite(
    backbone: str,
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    gate: Gate = "pooled",
    align_corners: bool = True,
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    backbone: "resnet18", "stdc1" or "stdc2"; its maps at 1/4, 1/16 and 1/32 are used.
    Any size. Images are RGB, 0..255; without `include_preprocessing` already normalised. Logits
    are unnormalised, float32, at input size; they are decided at 1/4 (layer `head.conv_last.1`)
    and enlarged bilinearly with aligned corners.
    gate: what weighs the two warped maps; "pooled" as in every published training, "convolution"
        as the code's other class has it.
    align_corners: of the warps; see `sfnet.sfnet`.
    Raises ValueError for another gate.
    """
    images, x = image_input(input_shape, 1, normalisation, include_preprocessing)
    fine, _, middle, coarse = BACKBONES[backbone](x)
    context = pyramid_pooling(coarse, WIDTH, "head.ppm", kernel_size=1)
    fine = lateral_conv(fine, WIDTH, "head.fpn_in.0")
    middle = lateral_conv(middle, WIDTH, "head.fpn_in.1")
    x = gated_flow_alignment(fine, context, "head.flow_align_module", gate, align_corners)
    logits = class_logits([x, middle], WIDTH, num_classes)
    return segmentation_model(
        images, {"logits": logits}, f"sfnet_lite_{backbone}", upsampled_in_original=True
    )


sfnet_lite_resnet18 = partial(sfnet_lite, "resnet18")
sfnet_lite_stdc1 = partial(sfnet_lite, "stdc1")
sfnet_lite_stdc2 = partial(sfnet_lite, "stdc2")
