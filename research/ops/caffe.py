"""Average pooling and bilinear deconvolution as Caffe defines them, at sizes known or not."""

from typing import Any

import keras
from keras import ops

from roadseg.ops.division import quotient_up
from roadseg.ops.resize import resize_bilinear

Tensor = Any


def tile_average_pool(x: Tensor, side: int) -> Tensor:
    """Return `x` averaged over tiles of `side` rows and columns, counted from the top left.

    x: (batch, height, width, channels). Sides of the result are rounded up; a tile that the frame
    cuts is the average of what is left of it.
    Source: Caffe, PoolingLayer with AVE, kernel and stride alike.
    """
    # Not a pooling layer with `same`: it pads both ends, and tiles would not begin at the top left.
    height, width = ops.shape(x)[1:3]
    x = ops.einsum("nh,bhwc->bnwc", _tiles(height, side, x.dtype), x)
    return ops.einsum("mw,bnwc->bnmc", _tiles(width, side, x.dtype), x)


def bilinear_deconvolution(x: Tensor, factor: int) -> Tensor:
    """Return `x` enlarged by an even `factor` as a fixed transposed convolution enlarges it.

    x: (batch, height, width, channels).
    Kernel 2 factor, stride factor, padding factor / 2, the same bilinear weights for each channel:
    pixels keep their centres (half-pixel), and outside the frame is zero, so that the outermost
    factor / 2 rows and columns fade.
    Source: Caffe, DeconvolutionLayer with the `bilinear` filler.
    """
    # With zeros around it, a plain resize fades at the border as the deconvolution does.
    x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = ops.shape(x)[1:3]
    x = resize_bilinear(x, (factor * height, factor * width), "half_pixel")
    return x[:, factor:-factor, factor:-factor]


def _tiles(side: Any, tile: int, dtype: Any) -> Tensor:
    """Return the averaging matrix (ceil(side / tile), side)."""
    index = ops.arange(quotient_up(side, tile), dtype="int32")
    place = ops.arange(side, dtype="int32")[None]
    inside = ops.cast(place // tile == index[:, None], keras.backend.standardize_dtype(dtype))
    return inside / ops.sum(inside, axis=1, keepdims=True)
