"""Pictures of label maps and sampling grids (RGB uint8): colours, overlays, legends, points."""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.label_tables.label_table import LabelTable

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

POINT_COLOUR = (255, 230, 60)
RIGHT_COLOUR = (226, 232, 238)
WRONG_COLOUR = (206, 44, 66)


def palette(table: LabelTable) -> np.ndarray:
    """Return the colour of each of the 256 possible labels, uint8 (256, 3); no class is black."""
    colours = np.zeros((256, 3), np.uint8)
    colours[: table.num_classes] = table.colours
    return colours


def colourise(labels: np.ndarray, table: LabelTable) -> np.ndarray:
    """Return (height, width, 3): the class colours of `labels` (height, width), ignore black."""
    return palette(table)[np.asarray(labels).astype(np.uint8)]


def overlay(
    image: np.ndarray, labels: np.ndarray, table: LabelTable, opacity: float = 0.55
) -> np.ndarray:
    """Return `image` with the class colours over it and a thin dark line between classes.

    image: (height, width, 3) uint8. labels: (height, width); pixels without a class show the image.
    opacity: 0 shows the image alone, 1 the colours alone. Raises ValueError if the sizes differ.
    """
    if image.shape[:2] != labels.shape:
        raise ValueError(f"image {image.shape[:2]} and labels {labels.shape} differ in size")
    import cv2

    mixed = cv2.addWeighted(image, 1 - opacity, colourise(labels, table), opacity, 0.0)
    mixed = np.where((labels < table.num_classes)[..., None], mixed, image)
    rim = np.zeros(labels.shape, bool)
    rim[:-1] |= labels[:-1] != labels[1:]
    rim[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    mixed[rim] = (mixed[rim] * 0.45).astype(np.uint8)
    return mixed


def errors(labels: np.ndarray, predictions: np.ndarray, table: LabelTable) -> np.ndarray:
    """Return (height, width, 3): right pixels pale, wrong ones red, unlabelled ones black."""
    colours = np.array([RIGHT_COLOUR, WRONG_COLOUR, (0, 0, 0)], np.uint8)
    kind = np.where(labels == predictions, 0, 1)
    return colours[np.where(labels < table.num_classes, kind, 2)]


def blend(image: np.ndarray, labels: np.ndarray, table: LabelTable) -> np.ndarray:
    """Return the mean of `image` and the class colours, as SFSegNets draws its predictions.

    image: (height, width, 3) uint8. labels: (height, width); no class is black, so half as bright.
    """
    import cv2

    return cv2.addWeighted(np.ascontiguousarray(image), 0.5, colourise(labels, table), 0.5, 0.0)


def difference(picture: np.ndarray, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return `picture` (height, width, 3) where the two maps differ, white elsewhere."""
    return np.where((labels != predictions)[..., None], picture, np.uint8(255))


def draw_points(
    image: np.ndarray,
    grid_yx01: np.ndarray,
    colour: tuple[int, int, int] = POINT_COLOUR,
    radius_px: float | None = None,
) -> np.ndarray:
    """Return a copy of `image` with a dot, dark around its rim, at every point of the grid.

    image: (height, width, 3) uint8. grid_yx01: (..., 2), rows then columns, 0..1 from the centre of
    the first pixel to that of the last. radius_px: default a sixth of the mean distance of points.
    """
    import cv2

    points = np.asarray(grid_yx01, np.float64).reshape(-1, 2)
    height, width = image.shape[:2]
    if radius_px is None:
        radius_px = float(np.clip(np.sqrt(height * width / max(len(points), 1)) / 6, 0.5, 5.0))
    picture = np.ascontiguousarray(image).copy()
    # Positions and radii in sixteenths of a pixel: OpenCV's `shift` of 4.
    places = np.rint(points * (height - 1, width - 1) * 16).astype(int)
    inner = max(round(radius_px * 16), 8)
    # All rims first: none may cover the dot beside it.
    if radius_px >= 1.6:
        for row, column in places:
            cv2.circle(picture, (column, row), inner + 14, (20, 20, 24), -1, cv2.LINE_AA, 4)
    for row, column in places:
        cv2.circle(picture, (column, row), inner, colour, -1, cv2.LINE_AA, 4)
    return picture


def draw_mesh(
    image: np.ndarray, grid_yx01: np.ndarray, colour: tuple[int, int, int] = POINT_COLOUR
) -> np.ndarray:
    """Return a copy of `image` with the rows and columns of a grid (h, w, 2) drawn as lines."""
    import cv2

    height, width = image.shape[:2]
    places = np.rint(np.asarray(grid_yx01) * (height - 1, width - 1) * 16).astype(np.int32)
    lines = [places[row, :, ::-1] for row in range(places.shape[0])]
    lines += [places[:, column, ::-1] for column in range(places.shape[1])]
    picture = np.ascontiguousarray(image).copy()
    thickness = max(1, round(min(height, width) / 400))
    for line in lines:
        points: Any = line.reshape(-1, 1, 2)
        cv2.polylines(picture, [points], False, colour, thickness, cv2.LINE_AA, 4)
    return picture


def legend(table: LabelTable, width_px: int, classes: Iterable[int] | None = None) -> np.ndarray:
    """Return a strip (height, width_px, 3) that names the colour of each class.

    classes: train ids to name, default all. The height follows from the number of lines.
    """
    from PIL import Image, ImageDraw

    wanted = range(table.num_classes) if classes is None else sorted(set(classes))
    size = int(np.clip(width_px / 64, 11, 22))
    font, pad, box = plain_font(size), size // 2, size
    place = [pad, pad]
    entries = []
    for index in wanted:
        length = round(font.getlength(table.names[index])) + box + pad
        if place[0] + length > width_px - pad and place[0] > pad:
            place = [pad, place[1] + size + pad]
        entries.append((index, place[0], place[1]))
        place[0] += length + 2 * pad
    strip = Image.new("RGB", (width_px, place[1] + size + pad), (250, 250, 250))
    draw = ImageDraw.Draw(strip)
    for index, left, top in entries:
        corner = (left, top, left + box - 1, top + box - 1)
        draw.rectangle(corner, fill=table.colours[index], outline=(90, 90, 90))
        text = (left + box + pad // 2, top + box // 2)
        draw.text(text, table.names[index], fill=(20, 20, 20), font=font, anchor="lm")
    return np.asarray(strip)


def caption(text: str, width_px: int) -> np.ndarray:
    """Return a strip (height, width_px, 3) with one line of `text`, cut where it is too long."""
    from PIL import Image, ImageDraw

    size = int(np.clip(width_px / 50, 11, 24))
    font = plain_font(size)
    while text and font.getlength(text) > width_px - size:
        text = text[:-2] + "…" if len(text) > 2 else ""
    strip = Image.new("RGB", (width_px, size * 2), (250, 250, 250))
    draw = ImageDraw.Draw(strip)
    draw.text((size // 2, size), text, fill=(20, 20, 20), font=font, anchor="lm")
    return np.asarray(strip)


@cache
def plain_font(size_px: int) -> "FreeTypeFont":
    """Return the font of all texts in pictures, `size_px` high."""
    # DejaVu Sans lies beside this file: it has the class names of any European script.
    from pathlib import Path

    from PIL import ImageFont

    path = Path(__file__).with_name("DejaVuSans.ttf")
    return ImageFont.truetype(str(path), size_px)
