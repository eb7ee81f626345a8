"""MSFNet: every stage pooled at many strides, regrouped by scale, decoded twice from 1/1024 to 1/8.

Paper: Si et al. 2019, "Real-Time Semantic Segmentation via Multiply Spatial Fusion Network"
(arXiv:1911.07217). Source: none. Its authors published no code, and the class of this name in
lxtGH/Fast_Seg is empty, so this is built from what the paper's text, figures and tables say.

The paper's: the ResNet-18; spatial aware pooling (SAP) at strides 2^j, windows of 2 * 2^j + 1, J of
them; which maps meet at which scale, and that a depthwise separable 3x3 fuses them (MFM), a 1x1 at
the coarsest; two decoders of one shape that share nothing but their inputs; joining their ends
by concatenation and a depthwise separable 3x3; class boundary supervision (CBS) from the second
decoder at 1/8, in training only; the bilinear enlargement.
Our choice, where it is silent, is the default of a named argument; see `msfnet`. With all of them
the multiply-adds at 1024x2048 are 85.220 G without CBS (the paper counts 85.2) and 95.761 G with it
and its boundary head (96.8); at 512x1024 with J = 4, 23.939 G (24.2). Other choices come as close.
"""

from typing import Literal, NamedTuple

import keras

from roadseg.backbones.resnet import resnet
from roadseg.layers.conv_bn import batch_norm
from roadseg.layers.convolution import (
    TORCH_NORM,
    Tensor,
    activate,
    conv,
    conv_norm,
    depthwise_conv,
    normal_fan_out,
)
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.pooling import SpatialAwarePooling
from roadseg.layers.resize import ResizeLike
from roadseg.ops.resize import Corners

Join = Literal["concatenate", "sum"]


class Choices(NamedTuple):
    """What both decoders and the fusion have in common; see `msfnet`."""

    features: int
    join: Join
    depthwise_activation: bool
    align_corners: Corners


def msfnet(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    auxiliary_heads: bool = False,
    poolings: int = 5,
    boundary_supervision: bool = True,
    features: int = 256,
    fusion_features: int | None = None,
    boundary_classes: int | None = None,
    join: Join = "concatenate",
    depthwise_activation: bool = True,
    pool: Literal["average", "max"] = "average",
    count_padding: bool = False,
    pre_activation_stages: bool = False,
    align_corners: Corners = True,
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Any size; a small one ends in several levels of one pixel. Images are RGB, 0..255; without
    `include_preprocessing` already normalised. Logits are unnormalised, float32, at input size;
    they are decided at 1/8 (layer `classes`) and enlarged bilinearly.
    auxiliary_heads: return {"logits": ..., "boundary": ...} for training; the second stays at 1/8,
        where its labels are (`losses.boundary_labels`). Without boundary supervision there is none.

    The paper's variants. poolings: its J; 5, its best, was for 1024x2048 (levels 1/8 to 1/1024), 4
    for 512x1024, 3 for CamVid. boundary_supervision: its CBS; False leaves out the second decoder.
    Our choices. features: channels of each level and decoder. fusion_features: of the fusion; None
        for `features`. boundary_classes: outputs of the boundary head; None for the classes and one
        for what is no boundary, 2 for labels of boundary or not. join: the coarser result with a
        level. depthwise_activation: normalisation and ReLU after the depthwise half too, not only
        after the pointwise one. pool: what SAP takes of a window. count_padding: averages count
        what lies outside the frame as zeros. pre_activation_stages: SAP takes each stage before its
        last ReLU. align_corners: of every resize. Also ours: heads are 1x1 with bias.
    Raises ValueError for a negative number of poolings, or another word in `pool` or `join`.
    """
    if poolings < 0 or join not in ("concatenate", "sum"):
        raise ValueError(f"poolings={poolings!r}, join={join!r}; 0 or more, 'concatenate' or 'sum'")
    choices = Choices(features, join, depthwise_activation, align_corners)
    images, x = image_input(input_shape, 1, normalisation, include_preprocessing)
    stages = [
        stage.before_relu if pre_activation_stages else stage.features
        for stage in resnet(x, 18, prefix="backbone.", initializer=normal_fan_out())
    ]
    pooled = [
        _pool(stage, poolings, pool, count_padding, f"sap_{number}")
        for number, stage in enumerate(stages, start=1)
    ]
    levels = _fuse_levels(pooled, choices)
    x = _decode(levels, choices, "up_1")
    heads = {}
    if boundary_supervision:
        second = _decode(levels, choices, "up_2")
        x = keras.layers.Concatenate(name="fusion.concatenated")([x, second])
        x = _separable(x, fusion_features or features, depthwise_activation, "fusion")
    heads["logits"] = conv(x, num_classes, 1, "classes", use_bias=True)
    if auxiliary_heads and boundary_supervision:
        outputs = num_classes + 1 if boundary_classes is None else boundary_classes
        heads["boundary"] = conv(second, outputs, 1, "boundary.classes", use_bias=True)
    return segmentation_model(
        images, heads, "msfnet", align_corners, keep_size=("boundary",), upsampled_in_original=True
    )


def _pool(
    stage: Tensor,
    poolings: int,
    pool: Literal["average", "max"],
    count_padding: bool,
    name: str,
) -> list[Tensor]:
    """Return a stage at its own stride times 1, 2 .. 2^poolings."""
    if poolings == 0:
        return [stage]
    return [stage, *SpatialAwarePooling(poolings, pool, count_padding, name=name)(stage)]


def _fuse_levels(pooled: list[list[Tensor]], choices: Choices) -> list[Tensor]:
    """Return the fused maps at 1/8, 1/16 .. , each from what all stages give at its scale.

    pooled: by stage (1/4 to 1/32) and pooling. The first stage itself, alone at 1/4, goes unused.
    """
    levels = []
    for level in range(len(pooled) + len(pooled[0]) - 2):
        # Stage i at 1/4 2^i, pooled j times, is at 1/8 2^(i + j - 1).
        maps = [
            stage[level + 1 - number]
            for number, stage in enumerate(pooled)
            if 0 <= level + 1 - number < len(stage)
        ]
        name = f"mfm.{8 * 2**level}"
        if len(maps) == 1:
            names = (f"{name}.pointwise", f"{name}.bn")
            levels.append(conv_norm(maps[0], choices.features, 1, names))
            continue
        x = keras.layers.Concatenate(name=f"{name}.concatenated")(maps)
        levels.append(_separable(x, choices.features, choices.depthwise_activation, name))
    return levels


def _decode(levels: list[Tensor], choices: Choices, name: str) -> Tensor:
    """Return the map at 1/8 that begins at the coarsest level and takes in each finer one."""
    x = levels[-1]
    for number in range(len(levels) - 2, -1, -1):
        step = f"{name}.{8 * 2**number}"
        x = ResizeLike(choices.align_corners, name=f"{step}.up")([x, levels[number]])
        if choices.join == "concatenate":
            x = keras.layers.Concatenate(name=f"{step}.joined")([x, levels[number]])
        else:
            x = keras.layers.Add(name=f"{step}.joined")([x, levels[number]])
        x = _separable(x, choices.features, choices.depthwise_activation, step)
    return x


def _separable(x: Tensor, filters: int, depthwise_activation: bool, name: str) -> Tensor:
    """Return depthwise 3x3 and 1x1; layers `name.depthwise`, `.pointwise` and their norms."""
    x = depthwise_conv(x, f"{name}.depthwise")
    if depthwise_activation:
        x = batch_norm(x, TORCH_NORM, f"{name}.depthwise_bn")
        x = activate(x, f"{name}.depthwise_relu")
    return conv_norm(x, filters, 1, (f"{name}.pointwise", f"{name}.bn"))
