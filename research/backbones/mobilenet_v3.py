"""MobileNetV3, large and small, its last stage dilated so that it ends at 1/16.

Paper: Howard et al. 2019 (arXiv:1905.02244).
Source: zhenzhenxiang/SemanticsSharing, commit 9fc1fde, after Tramac/Lightweight-Segmentation; for
research alone: only what it computes was described. Nothing differs from it in inference. SGCPNet's
backbone of that name, with squeeze-excite elsewhere, is `mobilenet_v3_modified`.
"""

from typing import Any, Literal, NamedTuple

from roadseg.layers.convolution import conv_norm, xavier
from roadseg.layers.inverted_residual import Form, inverted_residual

Tensor = Any
Variant = Literal["large", "small"]


class Block(NamedTuple):
    """One block: depthwise kernel, channels inside and after it, squeeze-excite, activation."""

    kernel_size: int
    expanded: int
    filters: int
    squeezed: bool
    activation: str
    strides: int = 1


class Fine(NamedTuple):
    """What the first stages give: maps at 1/4 and 1/8."""

    c0: Tensor
    c1: Tensor


class Coarse(NamedTuple):
    """What the last stages give, both at 1/16: the third stage, and the last layer."""

    c2: Tensor
    c4: Tensor


# hard_silu is the paper's h-swish, x relu6(x + 3) / 6.
RELU, SWISH = "relu", "hard_silu"
STAGES: dict[str, dict[str, tuple[Block, ...]]] = {
    "large": {
        "layer1": (
            Block(3, 16, 16, False, RELU),
            Block(3, 64, 24, False, RELU, 2),
            Block(3, 72, 24, False, RELU),
        ),
        "layer2": (
            Block(5, 72, 40, True, RELU, 2),
            Block(5, 120, 40, True, RELU),
            Block(5, 120, 40, True, RELU),
        ),
        "layer3": (
            Block(3, 240, 80, False, SWISH, 2),
            Block(3, 200, 80, False, SWISH),
            Block(3, 184, 80, False, SWISH),
            Block(3, 184, 80, False, SWISH),
            Block(3, 480, 112, True, SWISH),
            Block(3, 672, 112, True, SWISH),
            Block(5, 672, 112, True, SWISH),
        ),
        "layer4": (Block(5, 672, 160, True, SWISH), Block(5, 960, 160, True, SWISH)),
    },
    "small": {
        "layer1": (Block(3, 16, 16, True, RELU, 2),),
        "layer2": (Block(3, 72, 24, False, RELU, 2), Block(3, 88, 24, False, RELU)),
        "layer3": (
            Block(5, 96, 40, True, SWISH, 2),
            Block(5, 240, 40, True, SWISH),
            Block(5, 240, 40, True, SWISH),
            Block(5, 120, 48, True, SWISH),
            Block(5, 144, 48, True, SWISH),
        ),
        "layer4": (
            Block(5, 288, 96, True, SWISH),
            Block(5, 576, 96, True, SWISH),
            Block(5, 576, 96, True, SWISH),
        ),
    },
}
LAST_CHANNELS = {"large": 960, "small": 576}
STEM_CHANNELS = 16
# The paper's stride of 2 before the last stage becomes a dilation within it.
DILATIONS = {"layer4": 2}
PREFIX = "pretrained."


FORM = Form(
    expand=("conv.0", "conv.1"),
    depthwise=("conv.3", "conv.4"),
    project=("conv.7", "conv.8"),
    squeeze=("conv.5.fc.0", "conv.5.fc.2"),
    squeeze_at="depthwise",
    initializer=xavier,
    depthwise_initializer=xavier,
)


def fine_stages(x: Tensor, variant: Variant = "large", prefix: str = PREFIX) -> Fine:
    """Return the maps at 1/4 and 1/8: 24 and 40 channels (large), 16 and 24 (small).

    x: normalised images (batch, height, width, 3), any size; sides are rounded up at each stride.
    prefix: of every layer's name; then the published one (`layer1.0.conv.0`).
    Raises ValueError for another variant.
    """
    if variant not in STAGES:
        raise ValueError(f"variant={variant!r}; MobileNetV3 is {' or '.join(STAGES)}")
    names = (f"{prefix}conv1.conv", f"{prefix}conv1.bn")
    x = conv_norm(x, STEM_CHANNELS, 3, names, strides=2, activation=SWISH, initializer=xavier())
    c0 = _stage(x, variant, "layer1", prefix)
    return Fine(c0, _stage(c0, variant, "layer2", prefix))


def coarse_stages(c1: Tensor, variant: Variant = "large", prefix: str = PREFIX) -> Coarse:
    """Return the maps at 1/16: 112 and 960 channels (large), 48 and 576 (small).

    c1: what `fine_stages` of that variant gives at 1/8.
    """
    c2 = _stage(c1, variant, "layer3", prefix)
    x = _stage(c2, variant, "layer4", prefix)
    names = (f"{prefix}layer5.conv", f"{prefix}layer5.bn")
    filters = LAST_CHANNELS[variant]
    return Coarse(c2, conv_norm(x, filters, 1, names, activation=SWISH, initializer=xavier()))


def _stage(x: Tensor, variant: str, stage: str, prefix: str) -> Tensor:
    for number, block in enumerate(STAGES[variant][stage]):
        x = inverted_residual(
            x,
            block.filters,
            block.expanded,
            block.kernel_size,
            f"{prefix}{stage}.{number}",
            FORM,
            strides=block.strides,
            dilation=DILATIONS.get(stage, 1),
            activation=block.activation,
            squeezed=block.squeezed,
        )
    return x
