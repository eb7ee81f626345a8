"""Rows of houses along the street, and the walls, fences and hedges between them."""

import cv2
import numpy as np

from roadseg.data_conversion.scenes import ids
from roadseg.data_conversion.scenes.canvas import Canvas, Colour, scaled, varied

WALL_COLOURS: tuple[Colour, ...] = (
    (196, 182, 158),
    (176, 150, 122),
    (152, 98, 80),
    (188, 188, 186),
    (214, 204, 184),
    (140, 132, 126),
    (170, 120, 96),
    (120, 126, 136),
    (204, 176, 140),
)
GLASS: Colour = (74, 86, 100)


def draw_house(
    canvas: Canvas,
    x: float,
    side: int,
    z: tuple[float, float],
    height: float,
    lit: float,
    rng: np.random.Generator,
) -> None:
    """Draw a house whose front stands at x along the street from z[0] to z[1].

    side: -1 left of the street, 1 right. lit: brightness of the front; the gable gets the rest.
    """
    wall = varied(WALL_COLOURS[rng.integers(len(WALL_COLOURS))], rng, 10)
    near, far = z
    outer = x + side * 12.0
    gable = np.array([(x, 0, near), (outer, 0, near), (outer, height, near), (x, height, near)])
    canvas.face(gable, scaled(wall, 0.72), ids.BUILDING)
    if rng.random() < 0.55:
        _roof(canvas, (x, outer), z, height, rng)
    density_px = float(np.clip(canvas.camera.scale(near) * 0.8, 3, 15))
    front = _front(far - near, height, density_px, scaled(wall, lit), rng)
    corners = np.array([(x, height, far), (x, height, near), (x, 0, near), (x, 0, far)], float)
    paste(canvas, front, corners, ids.BUILDING)


def _roof(
    canvas: Canvas,
    x: tuple[float, float],
    z: tuple[float, float],
    height: float,
    rng: np.random.Generator,
) -> None:
    tile = varied(((132, 74, 58), (96, 92, 96), (112, 84, 70))[rng.integers(3)], rng, 8)
    ridge, rise = x[0] + (x[1] - x[0]) * 0.35, rng.uniform(1.8, 3.6)
    slope = [(x[0], height, z[0]), (x[0], height, z[1])]
    slope += [(ridge, height + rise, z[1]), (ridge, height + rise, z[0])]
    end = [(x[0], height, z[0]), (x[1], height, z[0]), (ridge, height + rise, z[0])]
    canvas.face(np.array(end), scaled(tile, 0.8), ids.BUILDING)
    canvas.face(np.array(slope), tile, ids.BUILDING)


def _front(
    length: float, height: float, density_px: float, wall: Colour, rng: np.random.Generator
) -> np.ndarray:
    """Return a picture of a front, `density_px` pixels a metre: floors of windows over a shop."""
    rows, columns = max(6, round(height * density_px)), max(6, round(length * density_px))
    picture = np.empty((rows, columns, 3), np.float32)
    picture[:] = wall
    storey, bay = rng.uniform(2.9, 3.5), rng.uniform(1.9, 3.2)
    window = (rng.uniform(1.3, 2.0), rng.uniform(0.9, min(1.7, bay - 0.5)))
    frame = np.array(scaled(wall, rng.choice([0.75, 1.25])), np.float32)
    floors, bays = max(1, int((height - 0.6) / storey)), max(1, int(length / bay))
    margin = (length - bays * bay) / 2
    shop = rng.random() < 0.5
    for floor in range(floors):
        for index in range(bays):
            left = margin + index * bay + (bay - window[1]) / 2
            _window(
                picture,
                (height - (floor * storey + 1.0 + window[0])),
                left,
                window,
                density_px,
                frame,
                rng,
            )
    if shop:
        _shop(picture, height, density_px, rng)
    edge = max(1, round(0.3 * density_px))
    picture[:edge] *= 0.8
    return cv2.convertScaleAbs(picture)


def _window(
    picture: np.ndarray,
    top: float,
    left: float,
    size: tuple[float, float],
    density_px: float,
    frame: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Paint one window; top and left are metres from the picture's corner."""
    first, last = round(top * density_px), round((top + size[0]) * density_px)
    start, stop = round(left * density_px), round((left + size[1]) * density_px)
    if first < 1 or last - first < 2 or stop - start < 2:
        return
    rim = max(1, round(0.1 * density_px))
    picture[max(first - rim, 0) : last + rim, max(start - rim, 0) : stop + rim] = frame
    glass = np.array(varied(GLASS, rng, 14), np.float32)
    if rng.random() < 0.18:
        glass = np.array(varied((206, 196, 176), rng, 12), np.float32)
    fall = np.linspace(1.25, 0.85, last - first, dtype=np.float32)[:, None, None]
    picture[first:last, start:stop] = glass * fall
    middle = (start + stop) // 2
    picture[first:last, middle : middle + max(1, rim // 2)] = frame


def _shop(picture: np.ndarray, height: float, density_px: float, rng: np.random.Generator) -> None:
    rows = picture.shape[0]
    band, top = round((height - 3.3) * density_px), round((height - 2.7) * density_px)
    picture[max(band, 0) : top] = varied(
        ((150, 40, 40), (40, 70, 120), (50, 100, 70), (190, 170, 60))[rng.integers(4)], rng
    )
    panes = max(1, picture.shape[1] // max(4, round(2.4 * density_px)))
    width = picture.shape[1] / panes
    for pane in range(panes):
        start, stop = round((pane + 0.08) * width), round((pane + 0.92) * width)
        picture[top : rows - max(1, round(0.35 * density_px)), start:stop] = varied(
            (92, 98, 104), rng, 16
        )


def paste(canvas: Canvas, picture: np.ndarray, corners: np.ndarray, label: int) -> None:
    """Draw a picture onto the quadrilateral through its four world corners (4, 3).

    corners: where the picture's top left, top right, bottom right and bottom left go.
    """
    target = canvas.camera.project(corners)
    low = np.floor(np.maximum(target.min(0), 0)).astype(int)
    high = np.ceil(np.minimum(target.max(0), (canvas.width, canvas.height))).astype(int)
    if (high - low).min() < 1:
        return
    rows, columns = picture.shape[:2]
    source = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, (target - low).astype(np.float32))
    shape = (int(high[0] - low[0]), int(high[1] - low[1]))
    flat = cv2.warpPerspective(
        picture, matrix, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    mask = np.zeros(shape[::-1], np.uint8)
    # Corners far outside would not fit OpenCV's 32-bit numbers.
    cv2.fillPoly(mask, [np.rint((target - low) * 16).clip(-1e7, 1e7).astype(np.int32)], 1, 8, 4)
    depth = float(corners[:, 2].mean())
    kept = float(np.exp(-canvas.air.per_metre * depth))
    hazy = cv2.convertScaleAbs(flat, alpha=kept)
    hazy = cv2.add(hazy, tuple((1 - kept) * c for c in canvas.air.colour) + (0.0,))
    area = np.s_[low[1] : high[1], low[0] : high[0]]
    cv2.copyTo(hazy, mask, canvas.image[area])
    canvas.labels[area][mask > 0] = label


def draw_barrier(
    canvas: Canvas, x: float, z: tuple[float, float], kind: int, rng: np.random.Generator
) -> None:
    """Draw a wall (solid, with a coping) or a fence (posts, rails and bars) along the street."""
    height = rng.uniform(1.4, 2.6) if kind == ids.WALL else rng.uniform(0.9, 1.5)
    near, far = z
    if kind == ids.WALL:
        stone = varied(((150, 140, 128), (132, 96, 80), (170, 168, 164))[rng.integers(3)], rng, 8)
        density_px = float(np.clip(canvas.camera.scale(near) * 0.7, 3, 16))
        rows, columns = round(height * density_px) + 4, round((far - near) * density_px) + 4
        picture = np.empty((rows, columns, 3), np.float32)
        picture[:] = stone
        picture += 7 * rng.standard_normal((rows, columns, 1), np.float32)
        course = max(2, round(0.3 * density_px))
        picture[::course] *= 0.82
        picture[: max(1, course // 2)] *= 1.15
        corners = np.array([(x, height, far), (x, height, near), (x, 0, near), (x, 0, far)], float)
        paste(canvas, np.clip(picture, 0, 255).astype(np.uint8), corners, ids.WALL)
        return
    paint = varied(((120, 104, 92), (70, 90, 74), (150, 152, 154))[rng.integers(3)], rng, 8)
    panel = np.array([(x, 0, near), (x, 0, far), (x, height, far), (x, height, near)], float)
    canvas.face(panel, scaled(paint, 0.72), ids.FENCE)
    for level in (0.12, 0.92):
        bar = [(x, height * (level - 0.04), near), (x, height * (level - 0.04), far)]
        bar += [(x, height * (level + 0.04), far), (x, height * (level + 0.04), near)]
        canvas.face(np.array(bar), scaled(paint, 1.1), ids.FENCE)
    spacing = 0.35 if near < 25 else 1.2
    for place in np.arange(near, far, spacing):
        canvas.post((x, 0, place), (x, height * 1.04, place), 0.07, scaled(paint, 1.2), ids.FENCE)
