"""What the originals do differently where an image is shown resized, in tiles and mirrored.

fast_seg: images are resized bilinearly with aligned corners, as logits are. Tiles have one size at
    every scale; an image smaller than one is padded. Source: lxtGH/Fast_Seg 7895738, val.py.
sfsegnets: images are resized as bytes, antialiased where they shrink. Whole: logits at the size
    shown are resized to that of the image with aligned corners. Tiles grow with scales above 1, are
    smaller where the image is, and their mean is resized to the size of the image with pixels at
    their centres (half-pixel). Source: lxtGH/SFSegNets ba475ba, eval.py, `whole` and `sliding`.
sfsegnets_pooling: images are resized in the same way and shown whole; logits of enlarged images are
    averaged over what became of each pixel, those of reduced ones upsampled with pixels at their
    centres. Source:
    the same, `pooling`, which forgets to normalise and knows the scales 0.5, 1 and 2 alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from roadseg.inference.class_logits import ClassLogits, pool, resize
from roadseg.inference.images import resize_image
from roadseg.inference.tiles import tiled_logits
from roadseg.recipe.protocol import Protocol, Size


@dataclass(frozen=True)
class Pass:
    """One showing of an image of `size`: resized by `scale`, perhaps mirrored."""

    shown: np.ndarray
    """(h, w, 3) float32."""
    scale: float
    size: Size


@dataclass(frozen=True)
class Averaging:
    """How images are resized, and how the logits of one pass come to the size of the image."""

    resized: Callable[[np.ndarray, Size], np.ndarray]
    logits: Callable[[Pass, ClassLogits, Protocol], np.ndarray]


def averaging_of(protocol: Protocol) -> Averaging:
    """Return the routine that `protocol` names."""
    return ROUTINES[protocol.averaging]


def _aligned(image: np.ndarray, size: Size) -> np.ndarray:
    image = image.astype(np.float32)
    return image if image.shape[:2] == size else ops.convert_to_numpy(resize(image[None], size))[0]


def _as_bytes(image: np.ndarray, size: Size) -> np.ndarray:
    if image.shape[:2] == size:
        return image.astype(np.float32)
    return resize_image(image, size).astype(np.float32)


def _resized(logits: np.ndarray, size: Size, corners: Any = True) -> np.ndarray:
    """Return logits (h, w, classes) at `size`."""
    return (
        logits
        if logits.shape[:2] == size
        else ops.convert_to_numpy(resize(logits[None], size, corners))[0]
    )


def _fast_seg(one: Pass, logits_of: ClassLogits, protocol: Protocol) -> np.ndarray:
    if not protocol.tile:
        return _in_graph(logits_of)(one.shown[None], one.size)[0]
    call = _in_graph(logits_of)
    logits = tiled_logits(one.shown, call, protocol.tile, protocol.tile_overlap, logits_of.padding)
    return _resized(logits, one.size)


def _sfsegnets(one: Pass, logits_of: ClassLogits, protocol: Protocol) -> np.ndarray:
    if not protocol.tile:
        return _resized(_at_size_shown(one, logits_of), one.size)
    tile = int(protocol.tile * max(one.scale, 1.0))
    logits = tiled_logits(one.shown, _in_graph(logits_of), tile, protocol.tile_overlap)
    return _resized(logits, one.size, "half_pixel")


def _pooling(one: Pass, logits_of: ClassLogits, protocol: Protocol) -> np.ndarray:
    logits = _at_size_shown(one, logits_of)
    if one.scale > 1:
        return ops.convert_to_numpy(pool(logits[None], one.size))[0]
    return _resized(logits, one.size, "half_pixel")


def _at_size_shown(one: Pass, logits_of: ClassLogits) -> np.ndarray:
    height, width = one.shown.shape[:2]
    return _in_graph(logits_of)(one.shown[None], (height, width))[0]


def _in_graph(logits_of: ClassLogits) -> Callable[[np.ndarray, Size], np.ndarray]:
    def call(images: np.ndarray, size: Size) -> np.ndarray:
        return ops.convert_to_numpy(logits_of(ops.convert_to_tensor(images), size))

    return call


ROUTINES = {
    "fast_seg": Averaging(_aligned, _fast_seg),
    "sfsegnets": Averaging(_as_bytes, _sfsegnets),
    "sfsegnets_pooling": Averaging(_as_bytes, _pooling),
}
