"""One RGB image as the input of a file that somebody else made: size, order, values, type."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from roadseg.inference.runtime_files import Layout, Quantised

Values = Literal["imagenet", "unit", "signed", "bytes"]
# What is subtracted and what divided by, of RGB 0..1.
VALUES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "unit": ((0.0,) * 3, (1.0,) * 3),
    "signed": ((0.5,) * 3, (0.5,) * 3),
    "bytes": ((0.0,) * 3, (1 / 255,) * 3),
}


@dataclass(frozen=True)
class InputOptions:
    """What a file cannot tell of its input; a file of bytes needs none of it but the colours."""

    layout: Layout | None = None
    """None: as the shape of its input says, else that which is usual for its format."""
    values: Values = "imagenet"
    """Of files that take no bytes."""
    mean: tuple[float, float, float] | None = None
    """Of RGB 0..1, in place of that of `values`."""
    std: tuple[float, float, float] | None = None
    colours: Literal["rgb", "bgr"] = "rgb"


def layout_of(shape: tuple[int | None, ...] | None, usual: Layout) -> Layout:
    """Return where the three colours stand in an input of this shape; None are unknown sides."""
    if shape is not None and len(shape) == 4:
        if shape[3] == 3 and shape[1] != 3:
            return "nhwc"
        if shape[1] == 3 and shape[3] != 3:
            return "nchw"
    return usual


class Pixels:
    """Turns uint8 RGB images (height, width, 3) into what a file takes, as OpenCV is fastest.

    Normalisation is a table of 256 values for each colour: one pass over the image.
    """

    def __init__(
        self,
        layout: Layout,
        size: tuple[int, int] | None,
        dtype: np.dtype,
        options: InputOptions,
        quantised: Quantised | None = None,
    ) -> None:
        """Take the file's own `size` (height, width), None for any, and the type of its values."""
        self.layout, self.size, self.dtype = layout, size, np.dtype(dtype)
        self.colours = options.colours
        self.table = _table(self.dtype, options, quantised)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Return the input, (1, 3, height, width) or (1, height, width, 3)."""
        import cv2

        if self.size is not None and image.shape[:2] != self.size:
            image = resized(image, self.size)
        if self.colours == "bgr":
            image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        if self.layout == "nhwc":
            found = image if self.table is None else cv2.LUT(image, self.table[None])
            return np.ascontiguousarray(found[None].astype(self.dtype, copy=False))
        planes = cv2.split(image)
        if self.table is None:
            return np.stack(planes)[None].astype(self.dtype, copy=False)
        made = np.empty((1, 3, *image.shape[:2]), self.table.dtype)
        for number, plane in enumerate(planes):
            cv2.LUT(plane, np.ascontiguousarray(self.table[:, number]), made[0, number])
        return made.astype(self.dtype, copy=False)


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return an image at `size`: the mean of pixels where it shrinks, else between them."""
    import cv2

    smaller = size[0] <= image.shape[0] and size[1] <= image.shape[1]
    way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size[::-1], interpolation=way))


def _table(
    dtype: np.dtype, options: InputOptions, quantised: Quantised | None
) -> np.ndarray | None:
    """Return what each byte of each colour becomes, (256, 3); None: it stays as it is."""
    named = options.mean is not None or options.std is not None
    if dtype == np.uint8 and not named:
        return None
    usual_mean, usual_std = VALUES[options.values]
    mean, std = np.array(options.mean or usual_mean), np.array(options.std or usual_std)
    if options.colours == "bgr":
        mean, std = mean[::-1], std[::-1]
    values = (np.arange(256)[:, None] / 255 - mean) / std
    if quantised is not None:
        limits = np.iinfo(dtype)
        whole = np.round(values / quantised.scale) + quantised.zero
        return np.clip(whole, limits.min, limits.max).astype(dtype)
    if np.issubdtype(dtype, np.integer):
        return np.round(values).astype(dtype) if dtype.itemsize == 1 else values.astype(np.float32)
    return values.astype(np.float32)
