"""Warps along a homography between frames that reach from -1 to 1, the outermost pixels' centres.

Coordinates of homographies are (x, y), as calibrations have them; positions in pixels are (y, x).
"""

from typing import Any

from keras import ops

from roadseg.ops.precision import wide_type
from roadseg.ops.resize import Size
from roadseg.ops.warp import even_steps, pixel_of_position, sample_bilinear

Tensor = Any
# Nearer to 0 than this, the third coordinate is taken for 1.
LEAST_DEPTH = 1e-8


def warp_by_homography(
    images: Tensor, matrix: Tensor, size: Size, align_corners: bool = True
) -> Tensor:
    """Return `images` as they are seen in another view of `size`, bilinearly; outside is zero.

    images: (batch, height, width, channels) float, any range.
    matrix: (3, 3), from the result's frame, (x, y, 1) from -1 to 1, to that of `images`.
    size: (height, width) of the result, Python integers or integer scalars of a graph.
    align_corners: as in `homography_points`.
    Returned in the type of `images`: (batch, *size, channels).
    """
    images = ops.convert_to_tensor(images)
    source = tuple(ops.shape(images)[1:3])
    points = homography_points(matrix, size, source, wide_type(images), align_corners)
    return sample_bilinear(images, ops.repeat(points, ops.shape(images)[0], axis=0))


def homography_points(
    matrix: Tensor, size: Size, source: Size, dtype: str = "float32", align_corners: bool = True
) -> Tensor:
    """Return where each pixel of a view is read in the other one: (1, *size, 2), (y, x) pixels.

    matrix, size: as in `warp_by_homography`. source: (height, width) of what is read.
    align_corners: whether -1 and 1 are the centres of the outermost pixels that are read, as the
        originals have it, or (False) their outer edges, as PyTorch has it since 1.3 by default.
    Source: SemanticsSharing 9fc1fde, `warp_kornia`; kornia 0.1.4 for points at infinity.
    """
    matrix = ops.cast(ops.convert_to_tensor(matrix), dtype)
    y, x = (even_steps(side, dtype) for side in size)
    y, x = y[:, None], x[None, :]
    across, down, depth = (
        matrix[row, 0] * x + matrix[row, 1] * y + matrix[row, 2] for row in range(3)
    )
    far = ops.abs(depth) > LEAST_DEPTH
    # `where` computes both of its sides: neither may divide by 0.
    scale = ops.where(far, 1 / ops.where(far, depth, 1), 1)
    points = [
        pixel_of_position(position * scale, side, align_corners)
        for position, side in zip((down, across), source, strict=True)
    ]
    return ops.stack(points, axis=-1)[None]


def with_stretched_rows(
    matrix: Any, size: Size, target_native: tuple[int, int], source_native: tuple[int, int]
) -> Tensor:
    """Return `matrix` as it is where intrinsics were scaled by the width alone, float32.

    matrix: (3, 3), from a target's frame to a source's, for cameras whose axes were scaled by
        factors of their own. size: (height, width) of the maps of both cameras.
    target_native, source_native: (height, width) of the cameras' own images.
    The same as `rig.Rig.sampling_matrix` with a size, where that may be unknown beforehand.
    """
    aspect = ops.cast(size[1], "float32") / ops.cast(size[0], "float32")
    to_source = _row_scaling(aspect * (source_native[0] / source_native[1]))
    from_target = _row_scaling(target_native[1] / target_native[0] / aspect)
    return to_source @ ops.convert_to_tensor(matrix, "float32") @ from_target


def _row_scaling(factor: Tensor) -> Tensor:
    """Return the (3, 3) matrix that makes rows `factor` times as far from a frame's upper edge."""
    rows = ops.convert_to_tensor([[0, 0, 0], [0, 1, 1], [0, 0, 0]], "float32")
    return ops.eye(3) + (factor - 1) * rows
