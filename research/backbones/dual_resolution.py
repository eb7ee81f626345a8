"""The residual stages of DDRNet and PIDNet, whose last blocks end without a ReLU.

Source: ydhongHIT/DDRNet, commit de0db31, and XuJiacong/PIDNet, commit 4c158cf (both MIT).
"""

from typing import Any

import keras

from roadseg.backbones.resnet import basic_block, bottleneck
from roadseg.layers.convolution import activate, conv_norm, normal_fan_out
from roadseg.layers.resize import ResizeLike

Tensor = Any


def relu(x: Tensor, name: str) -> Tensor:
    """Return `x` rectified for what comes next; `x` itself keeps its sign."""
    return activate(x, f"{name}.relu")


def stem(x: Tensor, width: int) -> Tensor:
    """Return the map at 1/4; layers `conv1.0`, `.1`, `.3`, `.4`, convolutions with bias."""
    for first in (0, 3):
        names = (f"conv1.{first}", f"conv1.{first + 1}")
        x = conv_norm(x, width, 3, names, 2, initializer=normal_fan_out(), use_bias=True)
    return x


def stage(x: Tensor, width: int, blocks: int, strides: int, name: str) -> Tensor:
    """Return basic blocks of `width` channels, the last without ReLU; layers `name.0` and on."""
    for block in range(blocks):
        strides_here, initializer = strides if block == 0 else 1, normal_fan_out()
        end = basic_block(x, width, f"{name}.{block}", strides_here, initializer=initializer)
        x = end.features if block < blocks - 1 else end.before_relu
    return x


def residual(x: Tensor, width: int, strides: int, name: str) -> Tensor:
    """Return one basic block, without ReLU at its end."""
    block = basic_block(x, width, name, strides, initializer=normal_fan_out())
    return block.before_relu


def bottlenecks(x: Tensor, width: int, blocks: int, strides: int, name: str) -> Tensor:
    """Return bottlenecks to twice `width` channels, none with a ReLU at its end, nor between two.

    Layers: `name.0` and on.
    """
    for block in range(blocks):
        x = bottleneck(
            x,
            width,
            f"{name}.{block}",
            strides if block == 0 else 1,
            initializer=normal_fan_out(),
            expansion=2,
        ).before_relu
    return x


def projected(x: Tensor, width: int, kernel_size: int, strides: int, name: str) -> Tensor:
    """Return convolution and normalisation of `x`, without ReLU; layers `name.0`, `name.1`."""
    names = (f"{name}.0", f"{name}.1")
    return conv_norm(
        x, width, kernel_size, names, strides, activation=None, initializer=normal_fan_out()
    )


def added_enlarged(detail: Tensor, context: Tensor, name: str) -> Tensor:
    """Return `detail` plus `context` enlarged to its size, bilinearly with half-pixel centres."""
    context = ResizeLike("half_pixel", name=f"{name}.up")([context, detail])
    return keras.layers.Add(name=f"{name}.sum")([detail, context])
