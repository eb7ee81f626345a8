"""Poolings as PyTorch defines them, at sizes known or not known when a graph is traced."""

import math
from typing import Any

import keras
from keras import ops

Tensor = Any


def adaptive_average_pool(x: Tensor, size: tuple[Any, Any]) -> Tensor:
    """Return `x` averaged to `size` bins.

    x: (batch, height, width, channels). size: (rows, columns), Python integers or integer scalars.
    Bin i averages rows floor(i H / n) to ceil((i + 1) H / n) - 1, columns alike: bins overlap where
    n does not divide H, and repeat rows where n exceeds it.
    Source: PyTorch, adaptive_avg_pool2d.
    """
    if _is_one(size[0]) and _is_one(size[1]):
        return ops.mean(x, axis=(1, 2), keepdims=True)
    height, width = ops.shape(x)[1:3]
    x = ops.einsum("nh,bhwc->bnwc", _bins(height, size[0], x.dtype), x)
    return ops.einsum("mw,bnwc->bnmc", _bins(width, size[1], x.dtype), x)


def max_pool(x: Tensor, ceil_mode: bool = False, signed: bool = False) -> Tensor:
    """Return the 3x3 maximum of `x` at stride 2, padded by 1.

    x: (batch, height, width, channels).
    ceil_mode: sides are ceil((in - 1) / 2) + 1, one more than floor((in - 1) / 2) + 1 where `in`
        is even.
    signed: pad by minus infinity. Else by zeros, which is the same where no value of `x` is below
        0 (after a ReLU).
    """
    height, width = ops.shape(x)[1:3]
    lowest = -math.inf if signed else 0.0
    after = [_after(side, ceil_mode) for side in (height, width)]
    if all(isinstance(side, int) for side in after):
        pads = ((0, 0), (1, after[0]), (1, after[1]), (0, 0))
        x = ops.pad(x, pads, constant_values=lowest)
    else:
        # A pad of 2 always suffices; what is too much is cut again.
        x = ops.pad(x, ((0, 0), (1, 2), (1, 2), (0, 0)), constant_values=lowest)
        x = x[:, : height + 1 + after[0], : width + 1 + after[1]]
    return ops.max_pool(x, 3, strides=2, padding="valid")


def average_pool(x: Tensor, kernel_size: int, strides: int, padding: int) -> Tensor:
    """Return the average over windows, padded zeros counted in it (always divided alike).

    x: (batch, height, width, channels). padding: zeros on each side.
    Source: PyTorch, avg_pool2d with count_include_pad.
    """
    # Padded by hand: Keras leaves the zeros of its own padding out of the average.
    x = ops.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    return ops.average_pool(x, kernel_size, strides=strides, padding="valid")


def proportionate_average_pool(x: Tensor, rows: int) -> Tensor:
    """Return `x` averaged to `rows` rows of bins, and to as many columns as make them square.

    x: (batch, height, width, channels). Columns: rows times width over height, rounded half to
    even, 1 at least; bins as in `adaptive_average_pool`.
    Source: SwiftNet's spatial pyramid (orsic/swiftnet 2b88990).
    """
    height, width = ops.shape(x)[1:3]
    columns = _half_to_even(rows * width, height)
    columns = max(columns, 1) if isinstance(columns, int) else ops.maximum(columns, 1)
    return adaptive_average_pool(x, (rows, columns))


def average_windows(x: Tensor, stride: int, count_padding: bool = False) -> Tensor:
    """Return the average over windows of 2 stride + 1 around every `stride`-th pixel.

    x: (batch, height, width, channels); sides become ceil(in / stride), whatever they are.
    count_padding: what a window covers outside the frame counts as zeros; else it is left out.
    Rows first, then columns: 2 (2 stride + 1) additions for an average, not (2 stride + 1)^2.
    """
    size, kernel = ops.shape(x)[1:3], 2 * stride + 1
    x = ops.pad(x, ((0, 0), (stride, stride), (stride, stride), (0, 0)))
    x = ops.average_pool(x, (kernel, 1), strides=(stride, 1), padding="valid")
    x = ops.average_pool(x, (1, kernel), strides=(1, stride), padding="valid")
    if count_padding:
        return x
    rows, columns = (_window_share(side, stride, x.dtype) for side in size)
    return x * (rows[None, :, None, None] * columns[None, None, :, None])


def maximum_windows(x: Tensor, levels: int) -> list[Tensor]:
    """Return maxima over windows of 2 s + 1 around every s-th pixel, s = 2, 4 .. 2^levels.

    x: (batch, height, width, channels), any values; sides become ceil(in / s).
    Each comes from the one before it, exactly: three neighbours at s cover a window at 2 s.
    """
    found: list[Tensor] = []
    for level in range(levels):
        around = 1 if level else 2
        pads = ((0, 0), (around, around), (around, around), (0, 0))
        x = ops.pad(x, pads, constant_values=-math.inf)
        x = ops.max_pool(x, 2 * around + 1, strides=2, padding="valid")
        found.append(x)
    return found


def _is_one(side: Any) -> bool:
    return isinstance(side, int) and side == 1


def _after(side: Any, ceil_mode: bool) -> Any:
    """Return the zeros needed behind an axis: odd sides 1, even ones 2 (ceil) or 0 (floor)."""
    even = 2 if ceil_mode else 0
    return side % 2 + (1 - side % 2) * even


def _bins(side: Any, count: Any, dtype: Any) -> Tensor:
    """Return the averaging matrix (count, side)."""
    index = ops.arange(count, dtype="int32")
    begin = (index * side) // count
    # Rounded up without a negative number, whose division other formats round to zero.
    end = ((index + 1) * side + count - 1) // count
    place = ops.arange(side, dtype="int32")[None]
    inside = ops.logical_and(place >= begin[:, None], place < end[:, None])
    length = ops.cast(end - begin, keras.backend.standardize_dtype(dtype))
    return ops.cast(inside, length.dtype) / length[:, None]


def _half_to_even(numerator: Any, denominator: Any) -> Any:
    """Return the quotient of integers, rounded as Python rounds, in integers: exact."""
    half_up = (2 * numerator + denominator) // (2 * denominator)
    half_down = (2 * numerator + denominator - 1) // (2 * denominator)
    return half_up - (half_up - half_down) * (half_up % 2)


def _window_share(side: Any, stride: int, dtype: Any) -> Tensor:
    """Return kernel size over the cells inside the frame, for each window along an axis."""
    centre = ops.arange((side + stride - 1) // stride, dtype="int32") * stride
    begin, end = ops.maximum(centre - stride, 0), ops.minimum(centre + stride + 1, side)
    dtype = keras.backend.standardize_dtype(dtype)
    return ops.cast(2 * stride + 1, dtype) / ops.cast(end - begin, dtype)
