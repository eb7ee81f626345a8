"""PIDNet: branches for detail (P), context (I) and boundaries (D), the last of which arbitrates.

Paper: Xu et al. 2022 (arXiv:2206.02066; CVPR 2023).
Source: XuJiacong/PIDNet, commit 4c158cf (MIT).
Changed: logits come at input size.
"""

from dataclasses import dataclass
from typing import Any

import keras

from roadseg.backbones.dual_resolution import (
    added_enlarged,
    bottlenecks,
    projected,
    relu,
    residual,
    stage,
    stem,
)
from roadseg.layers.context_pyramid import (
    deep_aggregation_pyramid,
    parallel_aggregation_pyramid,
)
from roadseg.layers.gates import Exchange, GatedBlend, Similarity
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.pre_activation import norm_relu_conv, norm_relu_head
from roadseg.layers.resize import ResizeLike
from roadseg.ops.resize import Corners

Tensor = Any
MULTIPLE = 8
Shape = tuple[int | None, int | None, int]


@dataclass(frozen=True)
class Size:
    """What makes S, M and L: blocks of the branches, channels, and L's larger modules."""

    detail_blocks: int
    context_blocks: int
    width: int
    pyramid_width: int
    head_width: int
    large: bool = False
    """Scales that wait for each other, and convolutions 3x3 where S and M have 1x1."""


S = Size(2, 3, 32, 96, 128)
M = Size(2, 3, 64, 96, 128)
L = Size(3, 4, 64, 112, 256, large=True)


def pidnet_s(
    num_classes: int,
    input_shape: Shape = (None, None, 3),
    auxiliary_heads: bool = False,
    align_corners: Corners = True,
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Sides are multiples of 8. Images are RGB, 0..255; without `include_preprocessing` already
    normalised. Logits are unnormalised, float32, at input size; they are decided at 1/8 (layer
    `final_layer.conv2`) and enlarged bilinearly.
    auxiliary_heads: return a dict for training, with "aux", class logits from the detail (layer
        `seghead_p.conv2`), and "edges", one logit a pixel that a boundary is there (layer
        `seghead_d.conv2`). Both read rectified maps, as a ReLU in place leaves them to the
        original's heads.
    align_corners: of the enlargement; True as in the code's loss and evaluation, though inside
        the network it resizes with half-pixel centres.
    The mean over the whole image that it adds is one value an image: training wants two or more.
    Raises RoadsegError for another size.
    """
    images, x = image_input(input_shape, MULTIPLE, normalisation, include_preprocessing)
    return segmentation_model(
        images, _heads(x, num_classes, auxiliary_heads, S), "pidnet_s", align_corners
    )


def pidnet_m(
    num_classes: int,
    input_shape: Shape = (None, None, 3),
    auxiliary_heads: bool = False,
    align_corners: Corners = True,
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return PIDNet-M, S at twice its width (the paper's count, 34.4 M, is not the code's).

    Everything else is as in `pidnet_s`.
    """
    images, x = image_input(input_shape, MULTIPLE, normalisation, include_preprocessing)
    return segmentation_model(
        images, _heads(x, num_classes, auxiliary_heads, M), "pidnet_m", align_corners
    )


def pidnet_l(
    num_classes: int,
    input_shape: Shape = (None, None, 3),
    auxiliary_heads: bool = False,
    align_corners: Corners = True,
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return PIDNet-L, deeper, with larger modules; everything else as in `pidnet_s`."""
    images, x = image_input(input_shape, MULTIPLE, normalisation, include_preprocessing)
    return segmentation_model(
        images, _heads(x, num_classes, auxiliary_heads, L), "pidnet_l", align_corners
    )


def _heads(x: Tensor, num_classes: int, auxiliary_heads: bool, size: Size) -> dict[str, Tensor]:
    """Return the maps of logits and of boundaries at 1/8 by name."""
    width, detail_blocks, context_blocks = size.width, size.detail_blocks, size.context_blocks
    x = relu(stage(stem(x, width), width, detail_blocks, 1, "layer1"), "layer1")
    eighth = relu(stage(x, 2 * width, detail_blocks, 2, "layer2"), "layer2")

    context = relu(stage(eighth, 4 * width, context_blocks, 2, "layer3"), "layer3")
    detail = stage(eighth, 2 * width, detail_blocks, 1, "layer3_")
    edge_width = 2 * width if size.large else width
    edges = residual(eighth, edge_width, 1, "layer3_d")
    detail, edges = _informed(detail, edges, context, width, edge_width, 3)
    side_detail = detail

    context = relu(stage(context, 8 * width, context_blocks, 2, "layer4"), "layer4")
    detail = stage(detail, 2 * width, detail_blocks, 1, "layer4_")
    if size.large:
        edges = residual(edges, 2 * width, 1, "layer4_d")
    else:
        edges = bottlenecks(edges, width, 1, 1, "layer4_d")
    detail, edges = _informed(detail, edges, context, width, 2 * width, 4)
    side_edges = edges

    detail = bottlenecks(detail, 2 * width, 1, 1, "layer5_")
    edges = bottlenecks(edges, 2 * width, 1, 1, "layer5_d")
    context = bottlenecks(context, 8 * width, 2, 2, "layer5")
    pyramid = deep_aggregation_pyramid if size.large else parallel_aggregation_pyramid
    context = pyramid(context, size.pyramid_width, 4 * width, "spp")
    context = ResizeLike("half_pixel", name="spp.up")([context, detail])
    fused = _guided(detail, context, edges, size.large)
    heads = {"logits": norm_relu_head(fused, size.head_width, num_classes, "final_layer")}
    if auxiliary_heads:
        heads["aux"] = norm_relu_head(side_detail, size.head_width, num_classes, "seghead_p")
        heads["edges"] = norm_relu_head(side_edges, width, 1, "seghead_d")
    return heads


def _informed(
    detail: Tensor, edges: Tensor, context: Tensor, width: int, edge_width: int, number: int
) -> tuple[Tensor, Tensor]:
    """Return detail and boundaries with what they take from the context, both rectified."""
    compressed = projected(context, 2 * width, 1, 1, f"compression{number}")
    detail = _pixel_attention(detail, compressed, width, f"pag{number}")
    difference = projected(context, edge_width, 3, 1, f"diff{number}")
    edges = added_enlarged(edges, difference, f"diff{number}")
    return relu(detail, f"pag{number}"), relu(edges, f"diff{number}")


def _pixel_attention(detail: Tensor, context: Tensor, width: int, name: str) -> Tensor:
    """Return the context where it is alike the detail, by one weight a pixel, else the detail."""
    key = projected(detail, width, 1, 1, f"{name}.f_x")
    # Projected first and enlarged after, as in the code.
    query = projected(context, width, 1, 1, f"{name}.f_y")
    query = ResizeLike("half_pixel", name=f"{name}.f_y.up")([query, detail])
    alike = Similarity(name=f"{name}.similarity")([key, query])
    context = ResizeLike("half_pixel", name=f"{name}.up")([context, detail])
    return GatedBlend(name=name)([context, detail, alike])


def _guided(detail: Tensor, context: Tensor, edges: Tensor, large: bool) -> Tensor:
    """Return detail at boundaries and context elsewhere, as one map."""
    if large:
        both = GatedBlend(name="dfm.blend")([detail, context, edges])
        return norm_relu_conv(both, detail.shape[-1], 3, ("dfm.conv.0", "dfm.conv.2"))
    parts = Exchange(name="dfm.exchange")([detail, context, edges])
    names = ("dfm.conv_p", "dfm.conv_i")
    maps = [
        projected(part, detail.shape[-1], 1, 1, name)
        for part, name in zip(parts, names, strict=True)
    ]
    return keras.layers.Add(name="dfm.sum")(maps)
