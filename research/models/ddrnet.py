"""DDRNet: a branch at 1/8 for detail beside one down to 1/64 for context, which tell each other.

Paper: Hong et al. 2021 (arXiv:2101.06085; IEEE T-ITS 2022).
Source: ydhongHIT/DDRNet, commit de0db31 (MIT).
Changed: logits come at input size.
"""

import keras

from roadseg.backbones.dual_resolution import (
    added_enlarged,
    bottlenecks,
    projected,
    relu,
    stage,
    stem,
)
from roadseg.layers.context_pyramid import deep_aggregation_pyramid
from roadseg.layers.convolution import Tensor, conv_norm, normal_fan_out
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.pre_activation import norm_relu_head
from roadseg.ops.resize import Corners

MULTIPLE = 8
PYRAMID = 128
Shape = tuple[int | None, int | None, int]


def ddrnet_23_slim(
    num_classes: int,
    input_shape: Shape = (None, None, 3),
    auxiliary_heads: bool = False,
    align_corners: Corners = "half_pixel",
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Sides are multiples of 8. Images are RGB, 0..255; without `include_preprocessing` already
    normalised. Logits are unnormalised, float32, at input size; they are decided at 1/8 (layer
    `final_layer.conv2`) and enlarged bilinearly.
    auxiliary_heads: return {"logits": ..., "aux": ...} for training, the second from the detail
        after its first meeting with the context, not rectified (layer `seghead_extra.conv2`).
    align_corners: of the enlargement; half-pixel centres, as the authors advise throughout.
    The mean over the whole image that it adds is one value an image: training wants two or more.
    Raises RoadsegError for another size.
    """
    images, x = image_input(input_shape, MULTIPLE, normalisation, include_preprocessing)
    heads = _heads(x, num_classes, auxiliary_heads, width=32, head_width=64)
    return segmentation_model(images, heads, "ddrnet_23_slim", align_corners)


def ddrnet_23(
    num_classes: int,
    input_shape: Shape = (None, None, 3),
    auxiliary_heads: bool = False,
    align_corners: Corners = "half_pixel",
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return DDRNet-23, twice as wide; everything else as in `ddrnet_23_slim`."""
    images, x = image_input(input_shape, MULTIPLE, normalisation, include_preprocessing)
    heads = _heads(x, num_classes, auxiliary_heads, width=64, head_width=128)
    return segmentation_model(images, heads, "ddrnet_23", align_corners)


def _heads(
    x: Tensor, num_classes: int, auxiliary_heads: bool, width: int, head_width: int
) -> dict[str, Tensor]:
    """Return the maps of logits at 1/8 by name."""
    x = stage(stem(x, width), width, 2, 1, "layer1")
    eighth = relu(stage(relu(x, "layer1"), 2 * width, 2, 2, "layer2"), "layer2")

    # Both branches read the other as it was before they met.
    context = stage(eighth, 4 * width, 2, 2, "layer3")
    detail = stage(eighth, 2 * width, 2, 1, "layer3_")
    down = projected(relu(detail, "layer3_"), 4 * width, 3, 2, "down3")
    compressed = projected(relu(context, "layer3"), 2 * width, 1, 1, "compression3")
    context = keras.layers.Add(name="down3.sum")([context, down])
    detail = added_enlarged(detail, compressed, "compression3")
    first_meeting = detail

    context = stage(relu(context, "down3"), 8 * width, 2, 2, "layer4")
    detail = stage(relu(detail, "compression3"), 2 * width, 2, 1, "layer4_")
    down = _twice_down(relu(detail, "layer4_"), width)
    compressed = projected(relu(context, "layer4"), 2 * width, 1, 1, "compression4")
    context = keras.layers.Add(name="down4.sum")([context, down])
    detail = added_enlarged(detail, compressed, "compression4")

    detail = bottlenecks(relu(detail, "compression4"), 2 * width, 1, 1, "layer5_")
    context = bottlenecks(relu(context, "down4"), 8 * width, 1, 2, "layer5")
    context = deep_aggregation_pyramid(context, PYRAMID, 4 * width, "spp")
    both = added_enlarged(detail, context, "final_layer")
    heads = {"logits": norm_relu_head(both, head_width, num_classes, "final_layer")}
    if auxiliary_heads:
        heads["aux"] = norm_relu_head(first_meeting, head_width, num_classes, "seghead_extra")
    return heads


def _twice_down(x: Tensor, width: int) -> Tensor:
    """Return the detail at 1/32, 8 x `width` channels; layers `down4.0`, `.1`, `.3`, `.4`."""
    names = ("down4.0", "down4.1")
    x = conv_norm(x, 4 * width, 3, names, 2, initializer=normal_fan_out())
    names = ("down4.3", "down4.4")
    return conv_norm(x, 8 * width, 3, names, 2, activation=None, initializer=normal_fan_out())
