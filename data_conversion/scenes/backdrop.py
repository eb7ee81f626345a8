"""Sky and what closes the view behind the street: far houses, woods, hills."""

import cv2
import numpy as np

from roadseg.data_conversion.scenes import ids
from roadseg.data_conversion.scenes.canvas import Canvas, varied
from roadseg.data_conversion.scenes.street import FAR_M, Street


def noise(rng: np.random.Generator, size: tuple[int, int], cell_px: float) -> np.ndarray:
    """Return smooth noise float32 (height, width), mean 0 and deviation near 1."""
    height, width = size
    cells = (max(2, round(height / cell_px) + 1), max(2, round(width / cell_px) + 1))
    small = rng.standard_normal(cells, np.float32)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def draw_sky(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    """Fill the whole canvas with sky: a gradient and clouds that flatten towards the horizon."""
    light = street.light
    small = (canvas.height // 16, canvas.width // 8)  # the lower half lies behind the ground
    fall = np.linspace(0, 1, small[0], dtype=np.float32)[:, None, None]
    sky = np.asarray(light.sky_top, np.float32) * (1 - fall) + np.asarray(light.sky_low) * fall
    clouds = noise(rng, small, 45) + 0.5 * noise(rng, small, 18) + 0.25 * noise(rng, small, 7)
    cover = np.clip((clouds + 2.4 * light.clouds - 1.4) * 0.7, 0, 0.85)[..., None]
    shade = np.clip(238 - 16 * noise(rng, small, 25), 180, 255)[..., None]
    sky = np.clip(sky * (1 - cover) + shade * cover, 0, 255).astype(np.uint8)
    half = canvas.height // 2
    cv2.resize(sky, (canvas.width, half), dst=canvas.image[:half], interpolation=cv2.INTER_CUBIC)
    canvas.image[half:] = canvas.image[half - 1]
    canvas.labels[:] = ids.SKY


def draw_far_houses(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    """Draw the skyline at the end of the street, hazy: houses and tree tops side by side."""
    scale = street.camera.scale(FAR_M)
    ground = street.camera.project(np.array([[0.0, 0.0, FAR_M]]))[0, 1] + 4
    column = -20.0
    wooded = rng.random()
    while column < canvas.width:
        if rng.random() < wooded:
            width = rng.uniform(6, 16) * scale
            _tree_tops(canvas, (column, ground), width, rng.uniform(4, 12) * scale, rng)
        else:
            width = rng.uniform(8, 22) * scale
            top = ground - rng.uniform(5, 22) * scale
            right = column + width
            outline = np.array([(column, ground), (column, top), (right, top), (right, ground)])
            wall = varied((150, 140, 130), rng, 18)
            canvas.fill(outline, wall, FAR_M, ids.BUILDING)
            if rng.random() < 0.6:
                peak = (column + width / 2, top - width * rng.uniform(0.15, 0.35))
                roof = np.array([(column - 2, top), peak, (right + 2, top)])
                canvas.fill(roof, varied((130, 92, 80), rng, 14), FAR_M, ids.BUILDING)
        column += width * rng.uniform(0.75, 1.0)


def _tree_tops(
    canvas: Canvas,
    base_px: tuple[float, float],
    width: float,
    height: float,
    rng: np.random.Generator,
) -> None:
    count = 9
    across = np.linspace(0, width, count)
    tops = height * (
        0.55 + 0.45 * np.sin(np.linspace(0.3, 2.8, count)) * rng.uniform(0.7, 1, count)
    )
    outline = np.stack([base_px[0] + across, base_px[1] - tops], 1)
    corners = np.array([(base_px[0] + width, base_px[1]), (base_px[0], base_px[1])])
    canvas.fill(
        np.concatenate([outline, corners]), varied((84, 108, 66), rng), FAR_M, ids.VEGETATION
    )
