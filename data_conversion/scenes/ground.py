"""The ground, pixel by pixel: every pixel below the horizon knows its place on the street."""

import cv2
import numpy as np

from roadseg.data_conversion.scenes import ids
from roadseg.data_conversion.scenes.backdrop import noise
from roadseg.data_conversion.scenes.canvas import Canvas, varied
from roadseg.data_conversion.scenes.street import FAR_M, Street

_TEXTURE_PX = 512  # side of the repeated texture
_TEXTURE_M = 16.0  # and what it measures on the ground


def ground_places(canvas: Canvas, street: Street) -> tuple[int, np.ndarray, np.ndarray]:
    """Return the first row of the ground, x (rows, width) and z (rows, 1) of each of its pixels."""
    camera = street.camera
    first = int(camera.project(np.array([[0.0, 0.0, FAR_M]]))[0, 1]) + 1
    first = min(max(first, 1), canvas.height - 1)
    rows = np.arange(first, canvas.height, dtype=np.float32)[:, None] + 0.5
    below = (rows - camera.horizon_px) / camera.focal_px
    if abs(camera.rise) < 1e-9:
        z = camera.height / below
    else:
        inner = np.maximum(below**2 + 4 * camera.rise * camera.height, 0)
        z = (-below + np.sqrt(inner)) / (2 * camera.rise)
    z = np.clip(z, 0.5, FAR_M).astype(np.float32)
    columns = np.arange(canvas.width, dtype=np.float32)[None] + 0.5
    centre = (camera.slope + camera.bend * z) * z - camera.x
    x = (columns - camera.centre_px) / camera.focal_px * z - centre
    return first, x.astype(np.float32), z


def draw_ground(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    """Draw road, markings, kerbs, sidewalks, verges, parking bays and the side street."""
    first, x, z = ground_places(canvas, street)
    half, side = street.half_width, np.where(x < 0, 0, 1)
    beyond = np.abs(x) - half
    walk = np.array(street.sidewalk, np.float32)[side]
    bay = np.array(street.parking, np.float32)[side]
    if street.junction:
        crossing_road = (z > street.junction) & (z < street.junction + street.junction_width)
        beyond = np.where(crossing_road, np.float32(-1), beyond)
    labels = np.full(x.shape, ids.TERRAIN, np.uint8)
    labels[beyond < walk] = ids.SIDEWALK
    labels[beyond < 0] = ids.ROAD
    labels[(beyond < 0) & (beyond > -bay)] = ids.PARKING
    if street.junction:
        labels[np.broadcast_to(crossing_road, labels.shape)] = ids.ROAD
    colours = _surface(labels, x, z, rng)
    kerb = np.abs(beyond) < 0.11
    colours[kerb] = np.float32(varied((168, 166, 160), rng, 8))
    _paint_markings(colours, street, x, z, beyond, rng)
    kept = np.exp(-street.air.per_metre * z)[..., None]
    colours = colours * kept + np.asarray(street.air.colour, np.float32) * (1 - kept)
    canvas.image[first:] = np.clip(colours, 0, 255).astype(np.uint8)
    canvas.labels[first:] = labels


def _surface(
    labels: np.ndarray, x: np.ndarray, z: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return float32 colours (rows, width, 3) of each surface with its own texture."""
    base = np.zeros((256, 3), np.float32)
    base[ids.ROAD] = varied((98, 97, 99), rng, 13)
    base[ids.PARKING] = base[ids.ROAD] * 0.9 + (8, 6, 4)
    base[ids.SIDEWALK] = varied((156, 146, 138), rng, 12)
    base[ids.TERRAIN] = varied((104, 124, 66), rng, 12)
    strength = np.zeros(256, np.float32)
    strength[[ids.ROAD, ids.PARKING, ids.SIDEWALK, ids.TERRAIN]] = (5, 6, 5, 13)
    tile = _texture(rng)
    to_px = _TEXTURE_PX / _TEXTURE_M
    grain = cv2.remap(
        tile,
        np.mod(x * to_px, _TEXTURE_PX - 1),
        np.mod(np.broadcast_to(z, x.shape) * to_px, _TEXTURE_PX - 1),
        cv2.INTER_LINEAR,
    )
    # Far texture would flicker: it fades as a texture cell falls below a pixel.
    grain *= np.clip(14 / z, 0.15, 1.0)
    paving = (np.mod(x, 0.6) < 0.03) | (np.mod(z, 0.6) < 0.03)
    grain -= 2.2 * (paving & (labels == ids.SIDEWALK) & (z < 22))
    return base[labels] + (strength[labels] * grain)[..., None]


def _texture(rng: np.random.Generator) -> np.ndarray:
    size = (_TEXTURE_PX, _TEXTURE_PX)
    fine = rng.standard_normal(size, np.float32)
    return 0.55 * fine + 0.6 * noise(rng, size, 7) + 0.9 * noise(rng, size, 60)


def _paint_markings(
    colours: np.ndarray,
    street: Street,
    x: np.ndarray,
    z: np.ndarray,
    beyond: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Paint lane lines, edge lines, a zebra and a stop line; they are road in the labels."""
    paint = np.zeros(x.shape, bool)
    period, phase = rng.uniform(6, 10), rng.uniform(0, 6)
    dashed = np.mod(z + phase, period) < 0.45 * period
    lanes = round((street.half_width - max(street.parking)) / street.lane)
    for lane in range(1 - lanes, lanes):
        solid = lane == 0 and bool(rng.random() < 0.35)
        paint |= (np.abs(x - lane * street.lane) < 0.07) & (solid | dashed)
    if rng.random() < 0.6:
        for side, bay in zip((-1, 1), street.parking, strict=True):
            paint |= np.abs(side * x - (street.half_width - bay - 0.18)) < 0.06
    if street.junction:
        paint &= (z < street.junction - 1) | (z > street.junction + street.junction_width + 1)
    if street.crossing:
        zebra = (z > street.crossing) & (z < street.crossing + 3)
        paint = np.where(zebra, (np.mod(x, 1.0) < 0.5) & (beyond < 0), paint)
        stop = (z > street.crossing - 1.6) & (z < street.crossing - 1.2)
        paint |= stop & (x > 0) & (x < street.half_width - street.parking[1])
    worn = rng.uniform(0.65, 0.95)
    colours[paint] = colours[paint] * (1 - worn) + np.float32((228, 228, 222)) * worn
    if street.rails:
        rail = np.minimum(np.abs(np.abs(x) - 0.8), np.abs(np.abs(x) - 2.2)) < 0.06
        colours[rail & (beyond < 0)] *= 0.62
    patches = rng.uniform((0, 4, 0.6, 1.5), (1, 50, 2.0, 9.0), (4, 4))
    for share, start, wide, long in patches:
        centre = (2 * share - 1) * street.half_width * 0.7
        patch = (np.abs(x - centre) < wide / 2) & (z > start) & (z < start + long) & ~paint
        colours[patch & (beyond < -0.2)] *= rng.uniform(0.82, 0.95)
