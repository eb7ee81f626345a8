"""The images on which an export is compared with its model, in sizes that the model takes."""

from typing import TYPE_CHECKING

import numpy as np

from roadseg.export.interface import LABELS_OF_RGB, Interface
from roadseg.export.views import Views

if TYPE_CHECKING:
    import keras

Size = tuple[int, int]


def trial_images(
    model: "keras.Model", usual: tuple[Size, ...], fixed: Size | None = None
) -> list[np.ndarray]:
    """Return images, (1, height, width, 3) uint8, of the sizes `usual` or of ones that fit better.

    fixed: the one size that the export takes, which all have then.

    The first is a scene, on which trained networks find several classes; the others are noise, in
    which neighbouring pixels have nothing in common. Sides are never below what the head of `model`
    takes; where sizes lie in a range, there is one.
    """
    from roadseg.layers.introspection import innermost_layers
    from roadseg.layers.light_aspp import least_image_side
    from roadseg.layers.normalisation import SizeRange

    if fixed is not None:
        return [_scene(fixed), _noise(fixed)]
    within = [layer for layer in innermost_layers(model) if isinstance(layer, SizeRange)]
    if within:
        return [_scene((within[0].heights[0], within[0].widths[0]))]
    added = max(least_image_side(model) - min(map(min, usual)), 0)
    sizes = [(height + added, width + added) for height, width in usual]
    return [_noise(size) if index else _scene(size) for index, size in enumerate(sizes)]


def trial_frames(
    model: "keras.Model",
    usual: tuple[Size, ...],
    fixed: Size | None = None,
    interface: Interface = LABELS_OF_RGB,
) -> list[Views]:
    """Return what an export takes of the images that `trial_images` gives, of each camera one.

    The second camera is shown the first one's image with its rows turned round, so that nothing
    that takes one for the other can agree.
    """
    shown = []
    for image in trial_images(model, usual, fixed):
        ways = [image, image[:, ::-1]][: len(interface.inputs)]
        shown.append(interface.frames(interface.views_of(ways)))
    return shown


def _scene(size: Size) -> np.ndarray:
    """Return something of a street: bright above, grey below, boxes of all colours, some grain."""
    random = np.random.default_rng(0)
    height, width = size
    row = np.linspace(0, 1, height)[:, None, None]
    sky, road = np.array([130, 180, 230]), np.array([90, 90, 95])
    image = np.where(row < 0.45, sky + 60 * row, road - 30 * row) + np.zeros((1, width, 1))
    for _ in range(24):
        middle, centre = random.uniform(0.3, 0.8) * height, random.uniform(0, width)
        tall, wide = random.uniform(0.03, 0.3, 2) * (height, width)
        top, left = max(int(middle - tall / 2), 0), max(int(centre - wide / 2), 0)
        colour = random.uniform(20, 235, 3)
        image[top : int(middle + tall / 2) + 1, left : int(centre + wide / 2) + 1] = colour
    image = image + random.normal(0, 4, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)[None]


def _noise(size: Size) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, *size, 3), dtype=np.uint8)
