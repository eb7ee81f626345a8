"""SFNet: a feature pyramid whose coarse maps are warped onto finer ones along a learned flow.

Paper: Li et al. 2020, "Semantic Flow for Fast and Accurate Scene Parsing" (arXiv:2002.10120).
Source: lxtGH/SFSegNets, commit ba475ba (MIT by its README).
Changed: a list of outputs became a dict, of logits that all come at input size.
"""

from functools import partial

import keras

from roadseg.backbones.df import Skips
from roadseg.layers.convolution import Tensor
from roadseg.layers.feature_pyramid import feature_pyramid_head
from roadseg.layers.flow_alignment import flow_alignment
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.models.sfnet_backbones import BACKBONES, dfnet

WIDTHS = {
    "resnet18": 128,
    "resnet50": 256,
    "resnet101": 256,
    "dfnet_v1": 64,
    "dfnet_v2": 64,
    "stdc1": 64,
    "stdc2": 64,
}
"""Channels of the pyramid on each backbone."""


def sfnet(
    backbone: str,
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    auxiliary_heads: bool = False,
    align_corners: bool = True,
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    backbone: one of `WIDTHS`.
    Any size. Images are RGB, 0..255; without `include_preprocessing` already normalised. Logits
    are unnormalised, float32, at input size; they are decided at the size of the backbone's finest
    map, 1/4 (DFNet: 1/8), layer `head.conv_last.1`, and enlarged bilinearly with aligned corners.
    auxiliary_heads: return a dict for training (weight 1), with "aux0" .. from the levels of the
        pyramid, coarse to fine (layers `head.dsn.<level>.4`, 0 the finest).
    align_corners: of the warps. True as in the code since July 2022; False for checkpoints of 2020
        and 2021 that were trained on PyTorch 1.3 or later (on 1.2: True).
    """
    images, x = image_input(input_shape, 1, normalisation, include_preprocessing)
    maps = BACKBONES[backbone](x)
    return _sfnet(backbone, images, maps, num_classes, auxiliary_heads, align_corners)


def sfnet_dfnet_v1(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    auxiliary_heads: bool = False,
    skips: Skips = "code",
    align_corners: bool = True,
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return SFNet on DFNet's smaller version; see `sfnet`.

    skips: "code" decodes stages at 1/16, 1/32 and 1/32, as the code does, and decides at
        1/16; "authors" those at 1/8, 1/16 and 1/32 that DFNet's authors decode, and decides at
        1/8: another network, for which there is no checkpoint.
    """
    images, x = image_input(input_shape, 1, normalisation, include_preprocessing)
    maps = dfnet(1, x, skips)
    return _sfnet("dfnet_v1", images, maps, num_classes, auxiliary_heads, align_corners)


def _sfnet(
    backbone: str,
    images: Tensor,
    maps: list[Tensor],
    num_classes: int,
    auxiliary_heads: bool,
    align_corners: bool,
) -> keras.Model:
    way_up = partial(flow_alignment, align_corners=align_corners)
    heads = feature_pyramid_head(maps, WIDTHS[backbone], num_classes, way_up, auxiliary_heads)
    return segmentation_model(images, heads, f"sfnet_{backbone}", upsampled_in_original=True)


sfnet_resnet18 = partial(sfnet, "resnet18")
sfnet_resnet50 = partial(sfnet, "resnet50")
sfnet_resnet101 = partial(sfnet, "resnet101")
sfnet_dfnet_v2 = partial(sfnet, "dfnet_v2")
sfnet_stdc1 = partial(sfnet, "stdc1")
sfnet_stdc2 = partial(sfnet, "stdc2")
