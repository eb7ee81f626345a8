"""What is taken for an image, and what is refused with the way out; images resized first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from roadseg.errors import RoadsegError

Size = tuple[int, int]
Reader = Callable[[Path], np.ndarray]
"""Takes the path of a picture and returns it as RGB uint8 (height, width, 3)."""


def batch_of(images: Any, read: Reader | None = None) -> tuple[np.ndarray, bool]:
    """Return `images` as (batch, height, width, 3), and whether they were one without that axis.

    images: RGB (height, width, 3) or a batch of one size, integers or floats 0..255, or a path.
    read: reads the picture at a path; None refuses paths.
    Raises RoadsegError for anything else, with what to do about it.
    """
    if isinstance(images, str | Path):
        if read is None:
            raise RoadsegError(f"{images}: a path where pixels are wanted; read the picture first")
        images = read(Path(images))
    array = np.asarray(images)
    _check_shape(array)
    _check_values(array)
    single = array.ndim == 3
    return (array[None] if single else array), single


def _check_shape(array: np.ndarray) -> None:
    shape = array.shape
    wanted = "wanted RGB, (height, width, 3) or (batch, height, width, 3)"
    if array.ndim in (3, 4) and shape[-1] == 3:
        if 0 in shape:
            raise RoadsegError(f"image of shape {shape}: nothing in it; {wanted}")
        return
    way_out = "check the order of its axes"
    if array.ndim == 2 or array.ndim in (3, 4) and shape[-1] == 1:
        way_out = "of a grey image, give its one channel three times"
    elif array.ndim in (3, 4) and shape[-1] == 4:
        way_out = "of RGBA, give image[..., :3]"
    raise RoadsegError(f"image of shape {shape}: {wanted}; {way_out}")


def _check_values(array: np.ndarray) -> None:
    """Raise RoadsegError for values that are not 0..255."""
    if array.dtype == np.uint8:
        return
    if array.dtype == bool:
        raise RoadsegError("image of true and false: wanted levels 0..255; multiply it by 255")
    if array.dtype == np.uint16:  # of a dark picture, no value says which of the two it is
        raise RoadsegError(
            "image of uint16: wanted 0..255; give (image >> 8).astype('uint8') if it holds 16 "
            "bits, image.astype('uint8') if not"
        )
    whole = np.issubdtype(array.dtype, np.integer)
    # As the network gets them: what overflows float32 is refused too.
    values = array if whole else array.astype(np.float32)
    if not whole and not np.isfinite(values).all():
        raise RoadsegError("image with values that are no numbers; wanted 0..255")
    low, high = values.min(), values.max()
    # Scaled to 0..1 or -1..1 already: the network would see a black image.
    if not whole and 0 < high <= 1 and low >= -1:
        raise RoadsegError(f"image of floats up to {high:g}: wanted 0..255; multiply it by 255")
    if 0 <= low and high <= 255:
        return
    raise RoadsegError(
        f"image of {array.dtype} from {low:g} to {high:g}: wanted 0..255; bring it there"
    )


def at_height(images: np.ndarray, height: int, way: str) -> np.ndarray:
    """Return images (batch, h, w, 3) at `height` rows, their aspect kept, as an original does.

    way: 'opencv', bilinearly, every pixel by itself, float32; 'pillow', bilinearly and antialiased,
    in whole levels, uint8. Images of that height pass as they are.
    """
    if images.shape[1] == height:
        return images
    width = max(1, round(images.shape[2] * height / images.shape[1]))
    return np.stack([_resized(image, (height, width), way) for image in images])


def _resized(image: np.ndarray, size: Size, way: str) -> np.ndarray:
    if way == "opencv":
        import cv2

        # OpenCV takes (width, height), as Pillow does.
        return cv2.resize(image.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
    return resize_image(image, size)


def resize_image(
    image: np.ndarray, size: Size, way: Literal["bilinear", "bicubic"] = "bilinear"
) -> np.ndarray:
    """Return an image (height, width, 3) resized to `size`, uint8, antialiased where it shrinks.

    As Pillow does. image: 0..255, any type; values between bytes are rounded first.
    """
    from PIL import Image

    if image.dtype != np.uint8:
        image = np.rint(np.clip(image, 0, 255)).astype(np.uint8)
    if image.shape[:2] == size:
        return image
    filters = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    return np.asarray(Image.fromarray(image).resize(size[::-1], filters[way]))


def resize_labels(labels: np.ndarray, size: Size) -> np.ndarray:
    """Return a label map (height, width) resized to `size` by picking pixels, as Pillow does."""
    from PIL import Image

    if labels.shape == size:
        return labels
    picked = Image.fromarray(labels.astype(np.uint8)).resize(size[::-1], Image.Resampling.NEAREST)
    return np.asarray(picked)


def picked(maps: np.ndarray, size: Size) -> np.ndarray:
    """Return `maps` (batch, h, w, ...) at `size`, every pixel the nearest one of the map."""
    if maps.shape[1:3] == size:
        return maps
    rows, columns = (
        ((np.arange(side) + 0.5) * have / side).astype(int)
        for side, have in zip(size, maps.shape[1:3], strict=True)
    )
    return maps[:, rows[:, None], columns]
