"""The way out: logits at scattered positions brought back to every pixel of the image."""

from typing import Any

from keras import ops

from roadseg.sampling import mesh, two_pass
from roadseg.sampling.grid import Tensor, last_pixel

METHODS = {"two_pass": two_pass, "mesh": mesh}


def unsample(
    logits: Tensor,
    grid: Tensor,
    size: tuple[Any, Any],
    argmax: bool = False,
    method: str = "two_pass",
    skip: bool = True,
    portable: bool = False,
) -> Tensor:
    """Return `logits` interpolated linearly to every pixel of an image of `size`.

    logits: (batch, h, w, classes), any precision; the work is done in float32.
    grid: (batch, h, w, 2) or, one for all, (h, w, 2): where the logits were sampled, (row, column)
        of 0..1, unrounded, its rim on the border. Pixels outside the grid take its nearest end.
    size: (height, width) in pixels, integers or scalar tensors.
    argmax: return labels, in a shorter way: pixels that no class boundary can reach are skipped.
    method: "two_pass" goes along the grid's rows to every pixel column, then down the columns;
        where the grid folds, the last of the segments over a pixel counts, so affine logits come
        back exactly on any grid. "mesh" cuts each cell from its upper right to its lower left
        corner, like `nus_native.interpolate`; where the grid folds it is only bounded.
    skip: False computes labels with fixed shapes, for XLA. Backends but TensorFlow always do.
    portable: the same values by operations that ONNX, LiteRT and OpenVINO have, and run quickly.
    Returns (batch, height, width, classes) float32, or (batch, height, width) int32, the first of
    equally good classes. Either way the result stays within the range of the logits, whatever the
    grid. Gradients reach logits and grid.
    Raises ValueError for shapes that do not fit or another word in `method`.
    Source: adaptive-sampling, utils/nus (griddata there); Marin et al. 2019, section 3.
    """
    _check_method(method)
    logits, position_px = _in_pixels(logits, grid, size)
    if argmax:
        return METHODS[method].labels(logits, position_px, size, skip, portable)
    return METHODS[method].interpolate(logits, position_px, size, portable)


def interpolated_share(logits: Tensor, grid: Tensor, size: tuple[Any, Any]) -> Tensor:
    """Return for which share of pixels `unsample` interpolates logits when labels are asked for.

    Arguments as of `unsample`. Returns (batch,) float32 from 0 to 1. The other pixels lie between
    samples of one class, which is theirs.
    """
    return two_pass.interpolated_share(*_in_pixels(logits, grid, size), size)


def _in_pixels(logits: Tensor, grid: Tensor, size: tuple[Any, Any]) -> tuple[Tensor, Tensor]:
    """Return logits, and where each was sampled in pixels, (batch, h, w, 2), both float32."""
    logits, grid = ops.cast(logits, "float32"), ops.cast(grid, "float32")
    _check(logits, grid)
    position_px = grid * ops.cast(last_pixel(size), "float32")
    if len(position_px.shape) == 3:
        shape = (ops.shape(logits)[0], *position_px.shape)
        position_px = ops.broadcast_to(position_px[None], shape)
    return logits, position_px


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise ValueError(f"method={method!r}; there are {', '.join(METHODS)}")


def _check(logits: Tensor, grid: Tensor) -> None:
    ranks = len(logits.shape) == 4 and len(grid.shape) in (3, 4)
    if not ranks or grid.shape[-1] != 2 or tuple(logits.shape[1:3]) != tuple(grid.shape[-3:-1]):
        raise ValueError(
            "logits are (batch, h, w, classes) and grid ([batch,] h, w, 2) with the same h, w; got "
            f"{tuple(logits.shape)} and {tuple(grid.shape)}"
        )
    # Loops over the points of a line are unrolled, so their number has to be known.
    if None in grid.shape[-3:-1] or min(grid.shape[-3:-1]) < 2:
        raise ValueError(f"h and w are known and at least 2; got {tuple(grid.shape[-3:-1])}")
