"""BiSeNet: a shallow path that keeps detail beside a deep one that gathers context.

Paper: Yu et al. 2018 (arXiv:1808.00897).
Source: lxtGH/Fast_Seg, commit 7895738 (Apache 2.0), after TorchSeg.
Changed: logits come at input size, as logits and not as their log softmax; in training the code
returns feature maps and leaves its heads out, here they are applied.
"""

from typing import Literal

import keras

from roadseg.backbones.resnet import SEQUENTIAL_STEM, resnet
from roadseg.backbones.xception39 import xception39
from roadseg.layers.convolution import Tensor, activate, conv, conv_norm
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.pooling import AdaptiveAveragePooling
from roadseg.layers.resize import ResizeBy, ResizeLike

WIDTH = 128
"""Channels of both paths."""


def bisenet(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    auxiliary_heads: bool = False,
    backbone: Literal["resnet18", "xception39"] = "resnet18",
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Any size. Images are RGB, 0..255; without `include_preprocessing` already normalised. Logits
    are unnormalised, float32, at input size; they are decided at 1/8 (layer `heads.2.conv_1x1`)
    and enlarged bilinearly with aligned corners.
    auxiliary_heads: return a dict for training, with "sixteenth" and "eighth" from the context
        path. The first is enlarged twice, to 1/8 (layer `heads.0.up`) and then to the image, as
        the code builds its head. Weights 1 in TorchSeg, with OHEM on all three.
    backbone: "resnet18" has a deep stem, as in the code; "xception39" is the paper's fast model,
        whose backbone the code holds and does not use.
    Raises ValueError for another backbone.
    """
    images, x = image_input(input_shape, 1, normalisation, include_preprocessing)
    detail = _spatial_path(x)
    sixteenth, eighth = _context_path(*_backbone(x, backbone))
    fused = _feature_fusion(detail, eighth, "ffm")
    heads = {"logits": _head(fused, 64, num_classes, "heads.2")}
    if auxiliary_heads:
        aux = _head(sixteenth, WIDTH, num_classes, "heads.0")
        heads["sixteenth"] = ResizeBy(up=2, name="heads.0.up")(aux)
        heads["eighth"] = _head(eighth, WIDTH, num_classes, "heads.1")
    return segmentation_model(images, heads, "bisenet")


def _backbone(x: Tensor, backbone: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return the maps at 1/8, 1/16 and 1/32."""
    if backbone == "resnet18":
        stages = resnet(x, 18, "backbone.", SEQUENTIAL_STEM)
        return stages[1].features, stages[2].features, stages[3].features
    if backbone == "xception39":
        eighth, sixteenth, last = xception39(x)
        return eighth, sixteenth, last
    raise ValueError(f"backbone={backbone!r}; there are resnet18 and xception39")


def _spatial_path(x: Tensor) -> Tensor:
    """Return the map at 1/8 that three strided convolutions leave."""
    path = "spatial_path"
    x = _conv(x, 64, 7, f"{path}.conv_7x7", strides=2)
    x = _conv(x, 64, 3, f"{path}.conv_3x3_1", strides=2)
    x = _conv(x, 64, 3, f"{path}.conv_3x3_2", strides=2)
    return _conv(x, WIDTH, 1, f"{path}.conv_1x1")


def _context_path(eighth: Tensor, sixteenth: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """Return the context at 1/16 and at 1/8; of `eighth` only the size is used."""
    # One cell, which the sum spreads over the map: what enlarging it would give.
    context = _global_average(last, "global_context.0")
    context = _conv(context, WIDTH, 1, "global_context.1")
    found = []
    for step, (features, finer) in enumerate(((last, sixteenth), (sixteenth, eighth))):
        attended = _attention_refinement(features, f"arms.{step}")
        x = keras.layers.Add(name=f"arms.{step}.sum")([attended, context])
        x = ResizeLike(name=f"refines.{step}.up")([x, finer])
        context = _conv(x, WIDTH, 3, f"refines.{step}")
        found.append(context)
    return found[0], found[1]


def _attention_refinement(x: Tensor, name: str) -> Tensor:
    """Return `x` as a map of `WIDTH` channels, each weighted by the whole image."""
    x = _conv(x, WIDTH, 3, f"{name}.conv_3x3")
    gate = _global_average(x, f"{name}.channel_attention.0")
    gate = _conv(gate, WIDTH, 1, f"{name}.channel_attention.1", activation="sigmoid")
    return keras.layers.Multiply(name=f"{name}.product")([x, gate])


def _feature_fusion(detail: Tensor, context: Tensor, name: str) -> Tensor:
    """Return both paths as one map of twice their width, its channels weighted by the image."""
    x = keras.layers.Concatenate(name=f"{name}.concatenated")([detail, context])
    x = _conv(x, 2 * WIDTH, 1, f"{name}.conv_1x1")
    attention = f"{name}.channel_attention"
    gate = _global_average(x, f"{attention}.0")
    for layer, activation in ((1, "relu"), (2, "sigmoid")):
        gate = conv(gate, 2 * WIDTH, 1, f"{attention}.{layer}.conv")
        gate = activate(gate, f"{attention}.{layer}.{activation}", activation)
    weighted = keras.layers.Multiply(name=f"{name}.product")([x, gate])
    return keras.layers.Add(name=f"{name}.sum")([x, weighted])


def _head(x: Tensor, filters: int, num_classes: int, name: str) -> Tensor:
    x = _conv(x, filters, 3, f"{name}.conv_3x3")
    return conv(x, num_classes, 1, f"{name}.conv_1x1", use_bias=True)


def _global_average(x: Tensor, name: str) -> Tensor:
    return AdaptiveAveragePooling(1, name=name)(x)


def _conv(
    x: Tensor,
    filters: int,
    kernel_size: int,
    name: str,
    strides: int = 1,
    activation: str = "relu",
) -> Tensor:
    names = (f"{name}.conv", f"{name}.bn")
    return conv_norm(x, filters, kernel_size, names, strides=strides, activation=activation)
