"""The camera's part: shadows of the light, texture, the own bonnet, lens and sensor."""

import cv2
import numpy as np

from roadseg.data_conversion.scenes import ids
from roadseg.data_conversion.scenes.backdrop import noise
from roadseg.data_conversion.scenes.canvas import SUPERSAMPLING, Canvas, Colour
from roadseg.data_conversion.scenes.street import Street

_GRAIN = {ids.VEGETATION: 15.0, ids.TERRAIN: 7.0, ids.BUILDING: 4.0, ids.WALL: 5.0, ids.ROAD: 2.0}


def cast_shadows(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    """Let the houses of the sunny side throw shadows over the road, with gaps of light."""
    sun = street.light.sun
    if not sun:
        return
    reach = rng.uniform(0.2, 1.5) * street.half_width
    z = 3.0
    while z < 90:
        length = rng.uniform(8, 22)
        if rng.random() < 0.7 and not street.in_junction(z + length / 2):
            outer, inner = sun * 25.0, sun * (street.half_width - reach * rng.uniform(0.7, 1.2))
            slant = rng.uniform(0, 3)
            corners = [(outer, 0, z), (inner, 0, z + slant), (inner, 0, z + length + slant)]
            corners.append((outer, 0, z + length))
            canvas.shade(canvas.camera.project(np.array(corners)), rng.uniform(0.55, 0.7))
        z += length


def draw_bonnet(canvas: Canvas, paint: Colour, height: float) -> None:
    """Draw the own car's bonnet at the lower edge, `height` a share of the picture."""
    across = np.linspace(-1, 1, 60)
    top = canvas.height * (1 - height * (1 - 0.55 * np.abs(across) ** 2.6))
    outline = np.stack([(across * 0.62 + 0.5) * canvas.width, top], 1)
    corners = np.array([(1.2 * canvas.width, canvas.height), (-0.2 * canvas.width, canvas.height)])
    canvas.fill(np.concatenate([outline, corners + (0, 40)]), paint, 0.0, ids.EGO)
    mirrored = np.concatenate([outline + (0, 6), (outline + (0, 26))[::-1]])
    red, green, blue = (min(255.0, c + 46) for c in paint)
    canvas.fill(mirrored, (red, green, blue), 0.0, None)


def expose(
    canvas: Canvas, street: Street, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the finished image uint8 (H, W, 3) and label ids uint8 (H, W) at the final size."""
    size = (canvas.height // SUPERSAMPLING, canvas.width // SUPERSAMPLING)
    # Picked: a mean of label ids would be another label.
    labels = np.ascontiguousarray(canvas.labels[::SUPERSAMPLING, ::SUPERSAMPLING])
    planes = cv2.split(cv2.resize(canvas.image, size[::-1], interpolation=cv2.INTER_AREA))
    strength = np.zeros(256, np.float32)
    for label, amount in _GRAIN.items():
        strength[label] = amount
    grain = 0.6 * noise(rng, size, 3) + 0.6 * noise(rng, size, 9)
    grain *= cv2.LUT(labels, strength)
    light = street.light
    rows, columns = (np.linspace(-1, 1, length, dtype=np.float32) for length in size)
    gain = 1 - rng.uniform(0.05, 0.2) * (rows[:, None] ** 2 + columns[None] ** 2) / 2
    gain *= light.exposure * (1 + 0.05 * noise(rng, size, size[1] / 3))
    sensor = rng.standard_normal(size, np.float32)
    sensor *= np.float32(rng.uniform(1.5, 4.0))
    exposed = []
    for plane, warmth in zip(planes, (light.warmth, 1.0, 2 - light.warmth), strict=True):
        seen = (plane + grain) * gain
        seen *= np.float32(warmth)
        seen += sensor
        # convertScaleAbs takes absolute values: what is below 0 would come back bright.
        exposed.append(cv2.convertScaleAbs(np.maximum(seen, 0, out=seen)))
    image = cv2.merge(exposed)
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.7))
    border = max(1, round(size[0] / 200))
    for edge in (labels[:border], labels[-border:], labels[:, :border], labels[:, -border:]):
        edge[:] = ids.OUT_OF_ROI
    return image, labels
