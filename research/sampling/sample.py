"""The way in: an image or label map reduced to the pixels that a sampling grid points at."""

from typing import Any

from keras import ops

from roadseg.ops.gather import gather_rows
from roadseg.sampling.grid import Tensor, pixel_indices


def sample(image: Tensor, grid: Tensor) -> Tensor:
    """Return the pixels of `image` nearest to the points of `grid`, in the dtype of `image`.

    image: (batch, height, width, channels), or a label map (batch, height, width); any dtype.
    grid: (batch, h, w, 2) or, one for all images, (h, w, 2); (row, column), 0..1.
    Returns (batch, h, w, channels) or (batch, h, w). Halves round to even. No gradient reaches
    the grid; that of the image adds up where samples coincide.
    Raises ValueError for other ranks. Source: adaptive-sampling, nus.py (gather_nd).
    """
    image, grid = ops.convert_to_tensor(image), ops.convert_to_tensor(grid)
    if len(image.shape) not in (3, 4) or len(grid.shape) not in (3, 4) or grid.shape[-1] != 2:
        raise ValueError(
            "image is (batch, height, width[, channels]) and grid ([batch,] h, w, 2); got "
            f"{tuple(image.shape)} and {tuple(grid.shape)}"
        )
    shape = ops.shape(image)
    batch, height, width = shape[0], shape[1], shape[2]
    pixels = pixel_indices(grid, (height, width))
    flat = pixels[..., 0] * width + pixels[..., 1]
    if len(grid.shape) == 3:
        flat = flat[None]
    flat = flat + ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1)) * (height * width)
    return gather_rows(ops.reshape(image, _flat_shape(image, batch, height, width)), flat)


def _flat_shape(image: Tensor, batch: Any, height: Any, width: Any) -> tuple[Any, ...]:
    channels = () if len(image.shape) == 3 else (ops.shape(image)[3],)
    return (batch * height * width, *channels)
