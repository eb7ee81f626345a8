"""PIDNet's boundaries: where they lie in a label map, and the loss of a head that finds them."""

from typing import Any

import keras

from roadseg.ops import operations as ops

Tensor = Any
SHIFT = 15
TAN_22 = 13573
"""tan(22.5 degrees) times 2^15, as OpenCV rounds it."""
EDGE_WEIGHT = 20.0
"""Weight of the loss of edges."""


def edge_maps(labels: Tensor, widened: int = 4, margin: int = 0) -> Tensor:
    """Return int32 (batch, height, width): 1 near boundaries of the label maps, else 0.

    labels: (batch, height, width) integers, 0..255; ignored pixels are a class like any other.
    widened: side in pixels of the square that stands for each edge pixel; an even one reaches one
        pixel further down and to the right.
    margin: rows and columns at each border in which no edge is looked for.
    What OpenCV's Canny finds at thresholds below 1: pixels whose Sobel gradient (sum of both
    absolute parts) is largest across its own direction.
    Source: XuJiacong/PIDNet 4c158cf, `gen_sample`: 4 and 6 for Cityscapes, 4 and 0 for CamVid.
    """
    edges = ops.cast(_thin_edges(ops.cast(labels, "int32")), "float32")
    if margin:
        height, width = ops.shape(edges)[1:3]
        inner = edges[:, margin : height - margin, margin : width - margin]
        edges = ops.pad(inner, ((0, 0), (margin, margin), (margin, margin)))
    before, after = widened // 2, widened - 1 - widened // 2
    padded = ops.pad(edges, ((0, 0), (before, after), (before, after)))[..., None]
    return ops.cast(ops.max_pool(padded, widened, strides=1, padding="valid")[..., 0], "int32")


def edge_cross_entropy(logits: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
    """Return (binary cross-entropy summed over every pixel, both kinds alike; number of pixels).

    logits: (batch, height, width, 1) logits; computed in float32 or wider.
    edges: (batch, height, width): 1 on edges, 0 elsewhere; other values count as no kind. Each
        pixel weighs as much as the other kind's share of all pixels given here. Labels that are
        ignored are not left out.
    Source: PIDNet 4c158cf, `weighted_bce`, without its factor of 20.
    """
    logits = ops.convert_to_tensor(logits)[..., 0]
    wide = keras.backend.result_type(logits.dtype, "float32")
    logits = ops.cast(logits, wide)
    there, absent = (ops.cast(ops.equal(edges, kind), wide) for kind in (1, 0))
    numbers = [ops.sum(kind) for kind in (there, absent)]
    both = numbers[0] + numbers[1]
    weights = there * ops.divide_no_nan(numbers[1], both)
    weights = weights + absent * ops.divide_no_nan(numbers[0], both)
    # Binary cross-entropy of logits, in a form without exponentials that overflow.
    losses = ops.softplus(logits) - logits * there
    return ops.sum(weights * losses), ops.sum(ops.ones_like(logits))


def _thin_edges(labels: Tensor) -> Tensor:
    """Return where the gradient of integer maps is a ridge, boolean."""
    height, width = ops.shape(labels)[1:3]
    # By one pixel this repeats the border, as OpenCV does for Canny.
    around = ops.pad(labels, ((0, 0), (1, 1), (1, 1)), mode="symmetric")

    def moved(maps: Tensor, down: int, right: int) -> Tensor:
        return maps[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]

    def slope(steps: list[tuple[tuple[int, int], tuple[int, int]]]) -> Tensor:
        return sum(
            weight * (moved(around, *plus) - moved(around, *minus))
            for weight, (plus, minus) in zip((1, 2, 1), steps, strict=True)
        )

    across = slope([((row, 1), (row, -1)) for row in (-1, 0, 1)])
    down = slope([((1, column), (-1, column)) for column in (-1, 0, 1)])
    size = ops.abs(across) + ops.abs(down)
    rim = ops.pad(size, ((0, 0), (1, 1), (1, 1)))
    steep, flat = ops.abs(down) * 2**SHIFT, ops.abs(across) * TAN_22
    horizontal = steep < flat
    vertical = steep > flat + ops.abs(across) * 2 ** (SHIFT + 1)

    def ridge(step: tuple[int, int], both: bool = False) -> Tensor:
        first, last = (moved(rim, sign * step[0], sign * step[1]) for sign in (-1, 1))
        # Of equal neighbours OpenCV keeps the first, but none on a diagonal.
        return ops.logical_and(size > first, size > last if both else size >= last)

    falling = ops.logical_not(ops.logical_xor(across < 0, down < 0))
    slanted = ops.where(falling, ridge((1, 1), both=True), ridge((1, -1), both=True))
    found = ops.where(horizontal, ridge((0, 1)), ops.where(vertical, ridge((1, 0)), slanted))
    return ops.logical_and(size > 0, found)
