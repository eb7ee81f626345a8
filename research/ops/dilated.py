"""Dilated convolution of maps whose size is known only when the graph runs."""

import importlib
from typing import Any

import keras

Tensor = Any


def dilated_convolution(x: Tensor, kernel: Tensor, dilation: int, padding: str) -> Tensor:
    """Return the convolution of `x` at stride 1 with its taps `dilation` pixels apart.

    x: (batch, height, width, channels). kernel: (rows, columns, channels, filters).
    padding: 'same' or 'valid', as Keras has them.
    On TensorFlow Keras turns this into SpaceToBatch, convolution, BatchToSpace, with paddings that
    are computed from the size. In a graph whose size is known only when it runs, with several
    dilations side by side, TensorFlow's constant folding takes these paddings for those of another
    size, and the graph fails ("padded_shape is not divisible by block_shape"). TensorFlow's own
    convolution takes dilations directly, on CPUs as well; maps of a known size go the usual way,
    whose gradient is there on every device.
    """
    sides = tuple(x.shape)[1:3]
    if keras.backend.backend() != "tensorflow" or None not in sides:
        return keras.ops.conv(x, kernel, padding=padding, dilation_rate=dilation)
    # By name: the package needs TensorFlow only where Keras itself runs on it.
    tensorflow: Any = importlib.import_module("tensorflow")
    kernel = keras.ops.convert_to_tensor(kernel)
    return tensorflow.nn.conv2d(x, kernel, 1, padding.upper(), dilations=dilation)
