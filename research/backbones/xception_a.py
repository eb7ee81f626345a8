"""Xception-A: three encoders of separable residual blocks, and attention from a dense layer.

Paper: Li et al. 2019, DFANet (arXiv:1904.02216).
Source: lxtGH/Fast_Seg, commit 7895738 (Apache 2.0).
Changed: the classifier on top is left out; DFANet does not use it.
"""

import keras

from roadseg.layers.conv_bn import batch_norm
from roadseg.layers.convolution import (
    TORCH_NORM,
    Tensor,
    activate,
    conv,
    conv_norm,
    depthwise_conv,
    uniform_fan_in,
)
from roadseg.layers.pooling import AdaptiveAveragePooling

ENCODERS = ((48, 4), (96, 6), (192, 4))
"""Channels and blocks of enc2, enc3 and enc4."""
ATTENTION_WIDTH = 1000


def xception_a(x: Tensor, name: str = "backbone") -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return enc2 at 1/4 (48 channels), enc3 at 1/8 (96), enc4 and its attended form at 1/16 (192).

    x: normalised images (batch, height, width, 3), sides multiples of 16.
    """
    x = conv_norm(x, 8, 3, (f"{name}.conv1.0", f"{name}.conv1.1"), strides=2)
    maps = []
    for stage, (filters, blocks) in enumerate(ENCODERS, start=2):
        x = encoder(x, filters, blocks, f"{name}.enc{stage}")
        maps.append(x)
    enc2, enc3, enc4 = maps
    return enc2, enc3, enc4, attention(enc4, f"{name}.fca")


def encoder(x: Tensor, filters: int, blocks: int, name: str) -> Tensor:
    """Return half the height and width of `x` after residual blocks, the first at stride 2."""
    for number in range(blocks):
        x = _block(x, filters, f"{name}.block.{number}", strides=2 if number == 0 else 1)
    return x


def attention(x: Tensor, name: str) -> Tensor:
    """Return `x`, each channel times a factor that the whole image decides.

    The factor is what a ReLU gives, 0 or more and unbounded; it is no gate between 0 and 1.
    """
    channels = x.shape[-1]
    factor = AdaptiveAveragePooling(1, name=f"{name}.pool")(x)
    factor = keras.layers.Dense(
        ATTENTION_WIDTH,
        kernel_initializer=uniform_fan_in(channels),
        bias_initializer=uniform_fan_in(channels),
        name=f"{name}.fc",
    )(factor)
    factor = conv_norm(factor, channels, 1, (f"{name}.conv.0", f"{name}.conv.1"))
    return keras.layers.Multiply(name=f"{name}.product")([x, factor])


def _block(x: Tensor, filters: int, name: str, strides: int) -> Tensor:
    """Return the residual block: ReLU first, stride last, and no ReLU after the sum."""
    shortcut = x
    middle = filters // 4
    steps = ((middle, 1, 0), (middle, 1, 3), (filters, strides, 6))
    for width, stride, entry in steps:
        x = activate(x, f"{name}.rep.{entry}")
        x = _separable(x, width, f"{name}.rep.{entry + 1}", stride)
        x = batch_norm(x, TORCH_NORM, f"{name}.rep.{entry + 2}")
    if strides > 1 or shortcut.shape[-1] != filters:
        shortcut = conv(shortcut, filters, 1, f"{name}.skip", strides=strides)
        shortcut = batch_norm(shortcut, TORCH_NORM, f"{name}.skipbn")
    return keras.layers.Add(name=f"{name}.sum")([x, shortcut])


def _separable(x: Tensor, filters: int, name: str, strides: int) -> Tensor:
    """Return depthwise 3x3, normalisation without ReLU, and 1x1."""
    x = depthwise_conv(x, f"{name}.conv1", strides=strides)
    x = batch_norm(x, TORCH_NORM, f"{name}.bn")
    return conv(x, filters, 1, f"{name}.pointwise")
