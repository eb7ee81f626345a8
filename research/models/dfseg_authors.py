"""The decoder of DF1-Seg, DF2-Seg1 and DF2-Seg2, as DFNet's authors published them for Caffe.

Paper: Li et al. 2019, "Partial Order Pruning" (arXiv:1903.03777).
Source: lixincn2015/Partial-Order-Pruning, commit e136726, network definitions; nothing was run.
"""

from typing import Any

import keras

from roadseg.layers.caffe import BilinearDeconvolution, TileAveragePooling
from roadseg.layers.conv_bn import BatchNorm
from roadseg.layers.convolution import conv_norm
from roadseg.layers.precision import full_precision
from roadseg.layers.resize import RepeatLike, ResizeLike

Tensor = Any
AUTHORS_NORM = BatchNorm(momentum=0.9, epsilon=1e-4)
MULTIPLE = 32
TILES = (32, 16, 8, 4)
"""Kernel and stride of the pyramid's averages at 1/32: 1, 2, 4 and 8 tiles for 1024 pixels."""
FORMS = {1: ("df1_seg", "df1_seg_d8"), 2: ("df2_seg1", "df2_seg2")}
"""Their networks on either version of the backbone."""
WIDTHS = {
    "df1_seg": (128, 32),
    "df1_seg_d8": (128, 32),
    "df2_seg1": (32, 19),
    "df2_seg2": (512, 256),
}
"""Channels of the decoder at 1/32 and at 1/16."""


def authors_decoder(
    fine: Tensor, middle: Tensor, coarse: Tensor, num_classes: int, form: str, images: Tensor
) -> Tensor:
    """Return logits (batch, height, width, classes) at the size of `images`.

    fine, middle, coarse: maps at exactly 1/8, 1/16 and 1/32.
    form: one of `WIDTHS`; those that end in `_d8` repeat the logits of 1/8, others interpolate.
    Every convolution has its normalisation and, the last excepted, its ReLU. Enlargements by 2
    and 8 are fixed bilinear deconvolutions, which take zeros from outside the frame.
    """
    deep, wide = WIDTHS[form]
    x = _pyramid(coarse)
    x = _conv(x, deep, 1, "decoder.wc5")
    for level, skip, filters in ((4, middle, wide), (3, fine, num_classes)):
        skip = _conv(skip, filters, 1, f"decoder.wc{level}")
        x = _conv(x, filters, 1, f"decoder{level}.proj")
        x = BilinearDeconvolution(2, name=f"decoder{level}.up2")(x)
        x = keras.layers.Concatenate(name=f"decoder{level}.concat")([skip, x])
        x = _conv(x, filters, 3, f"decoder{level}.conv1")
    x = _conv(x, num_classes, 3, "decoder.score", activation=None)
    if form.endswith("_d8"):
        return RepeatLike(name="decoder.repeated", dtype=full_precision())([x, images])
    return BilinearDeconvolution(8, name="decoder.up8", dtype=full_precision())(x)


def _pyramid(x: Tensor) -> Tensor:
    """Return `x` at 1/32 with its context, 512 channels."""
    maps = [x]
    for number, side in enumerate(TILES, start=1):
        branch = TileAveragePooling(side, name=f"psp.pool{number}")(x)
        branch = _conv(branch, 128, 1, f"psp.pool{number}.conv")
        maps.append(ResizeLike(name=f"psp.pool{number}.interp")([branch, x]))
    x = keras.layers.Concatenate(name="psp.concat")(maps)
    return _conv(x, 512, 3, "psp.concat.conv")


def _conv(
    x: Tensor, filters: int, kernel_size: int, name: str, activation: str | None = "relu"
) -> Tensor:
    names = (name, f"{name}.bn")
    return conv_norm(x, filters, kernel_size, names, activation=activation, norm=AUTHORS_NORM)
