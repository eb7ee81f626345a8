"""The images on which an export is compared with its model, in sizes that the model takes."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

Size = tuple[int, int]


def trial_images(model: "keras.Model", usual: tuple[Size, ...]) -> list[np.ndarray]:
    """Return noise, (1, height, width, 3) uint8, of the sizes `usual` or of ones that fit better.

    Sides are never below what the head of `model` takes; where sizes lie in a range, there is one.
    """
    from roadseg.layers.entry import SizeWithin
    from roadseg.layers.light_aspp import least_image_side
    from roadseg.layers.walk import innermost_layers

    within = [layer for layer in innermost_layers(model) if isinstance(layer, SizeWithin)]
    if within:
        return [_noise((within[0].heights[0], within[0].widths[0]))]
    added = max(least_image_side(model) - min(map(min, usual)), 0)
    return [_noise((height + added, width + added)) for height, width in usual]


def _noise(size: Size) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, *size, 3), dtype=np.uint8)
