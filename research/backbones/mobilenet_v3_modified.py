"""MobileNetV3-Small as SGCPNet has it: squeeze-excite last in a block, with batch norm inside.

Paper of the backbone: Howard et al. 2019 (arXiv:1905.02244), which squeezes before the projection,
without normalisation, and has no shortcut where widths differ.
Source: zhouyuan888888/SGCPNet, commit ead5adf (no licence: only what it does was described). The
classifier on top is left out.
"""

from typing import Any, NamedTuple

import keras

from roadseg.layers.convolution import conv_norm, normal_fan_out
from roadseg.layers.inverted_residual import Form, inverted_residual

Tensor = Any


class Block(NamedTuple):
    """One inverted residual."""

    kernel_size: int
    expanded: int
    filters: int
    activation: str
    squeezed: bool
    strides: int


STAGES: dict[str, tuple[Block, ...]] = {
    "l2": (Block(3, 16, 16, "relu", True, 2),),
    "l3": (Block(3, 72, 24, "relu", False, 2), Block(3, 88, 24, "relu", False, 1)),
    "l4": (
        Block(5, 96, 40, "hard_silu", True, 2),
        Block(5, 240, 40, "hard_silu", True, 1),
        Block(5, 240, 40, "hard_silu", True, 1),
        Block(5, 120, 48, "hard_silu", True, 1),
        Block(5, 144, 48, "hard_silu", True, 1),
    ),
    "l5": (
        Block(5, 288, 96, "hard_silu", True, 2),
        Block(5, 576, 96, "hard_silu", True, 1),
        Block(5, 576, 96, "hard_silu", True, 1),
    ),
}
BACKBONE = ("l1.", *(f"{stage}." for stage in STAGES))
"""How the names of its layers begin."""
CLASSIFIER = ("conv2.", "bn2.", "linear3.", "bn3.", "linear4.")
"""How names begin in files of ImageNet weights that belong to what is left out."""


def _aliases() -> tuple[tuple[str, str], ...]:
    blocks = []
    for stage, of_stage in STAGES.items():
        alone = len(of_stage) == 1
        blocks += [
            f"{stage}." if alone else f"{stage}.{number}." for number in range(len(of_stage))
        ]
    numbered = ((f"bneck.{number}.", block) for number, block in enumerate(blocks))
    return (("conv1.", "l1.0."), ("bn1.", "l1.1."), *numbered)


ALIASES = _aliases()
"""How names begin in xiaolai-sqlai/mobilenetv3, where these weights were trained, and here."""


def _depthwise() -> keras.initializers.Initializer:
    # PyTorch counts the fan-out of a depthwise kernel over all its channels, Keras its fan-in.
    return keras.initializers.VarianceScaling(2.0, "fan_in", "untruncated_normal")


FORM = Form(
    expand=("conv1", "bn1"),
    depthwise=("conv2", "bn2"),
    project=("conv3", "bn3"),
    squeeze=("se.se.1", "se.se.2", "se.se.4", "se.se.5"),
    squeeze_at="output",
    shortcut=("shortcut.0", "shortcut.1"),
    initializer=normal_fan_out,
    depthwise_initializer=_depthwise,
)


def mobilenet_v3_modified(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the maps at 1/8 (24 channels), 1/16 (48) and 1/32 (96).

    x: normalised images (batch, height, width, 3), any size; sides are rounded up.
    Layers: `l1.0` to `l5.2...`. Batch normalisation 0.9 and 1e-5; hard_silu is the paper's h-swish.
    """
    x = conv_norm(
        x, 16, 3, ("l1.0", "l1.1"), strides=2, activation="hard_silu", initializer=normal_fan_out()
    )
    maps = {}
    for stage, blocks in STAGES.items():
        for number, block in enumerate(blocks):
            name = stage if len(blocks) == 1 else f"{stage}.{number}"
            x = inverted_residual(
                x,
                block.filters,
                block.expanded,
                block.kernel_size,
                name,
                FORM,
                block.strides,
                activation=block.activation,
                squeezed=block.squeezed,
            )
        maps[stage] = x
    return maps["l3"], maps["l4"], maps["l5"]
