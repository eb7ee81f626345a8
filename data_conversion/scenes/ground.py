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
    # On a flat road the other formula would divide by 0.
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
    right = x >= 0
    beyond = np.abs(x) - np.float32(street.half_width)
    walk = np.where(right, *_pair(street.sidewalk))
    bay = np.where(right, *_pair(street.parking))
    lined = rng.random() < 0.5
    labels = np.full(x.shape, ids.TERRAIN, np.uint8)
    labels[beyond < walk] = ids.SIDEWALK
    labels[beyond < 0] = ids.ROAD
    if lined:
        # Without lines a bay cannot be told from the road, so then it is road.
        labels[(beyond < 0) & (beyond > -bay)] = ids.PARKING
    if street.junction:
        rows = _rows(z, street.junction, street.junction + street.junction_width)
        beyond[rows] = -1
        labels[rows] = ids.ROAD
    level = _texture_level(labels, x, z, rng)
    paint, worn = _markings(street, x, z, beyond, lined, rng)
    kerb = np.abs(beyond) < 0.11
    base = _colours(rng)
    stone = varied((168, 166, 160), rng, 8)
    kerb_places, paint_places = np.flatnonzero(kerb), np.flatnonzero(paint)
    kept = np.exp(-street.air.per_metre * z)
    planes = []
    # Channel by channel: NumPy is several times slower on a last axis of three.
    for channel in range(3):
        plane = cv2.LUT(labels, base[:, channel].copy())
        plane.ravel()[kerb_places] = stone[channel]
        plane += level
        plane.ravel()[paint_places] *= 1 - worn
        plane.ravel()[paint_places] += 226 * worn
        plane *= kept
        plane += (1 - kept) * np.float32(street.air.colour[channel])
        planes.append(cv2.convertScaleAbs(np.maximum(plane, 0, out=plane)))
    canvas.image[first:] = cv2.merge(planes)
    canvas.labels[first:] = labels


def _pair(values: tuple[float, float]) -> tuple[np.float32, np.float32]:
    """Return (right, left) of (left, right), as np.where wants them."""
    return np.float32(values[1]), np.float32(values[0])


def _rows(z: np.ndarray, start: float, stop: float) -> slice:
    """Return the rows whose distance lies between start and stop; z falls from row to row."""
    near = z[::-1, 0]
    low, high = np.searchsorted(near, [start, stop])
    return slice(len(near) - int(high), len(near) - int(low))


def _cycle(values: np.ndarray, period: float) -> np.ndarray:
    """Return values modulo period: np.mod of float32 takes ten times as long."""
    return values - np.float32(period) * np.floor(values * np.float32(1 / period))


def _colours(rng: np.random.Generator) -> np.ndarray:
    """Return the colour of each label id on the ground, float32 (256, 3)."""
    base = np.zeros((256, 3), np.float32)
    base[ids.ROAD] = varied((98, 97, 99), rng, 13)
    base[ids.PARKING] = base[ids.ROAD] * 0.9 + (8, 6, 4)
    base[ids.SIDEWALK] = varied((156, 146, 138), rng, 12)
    base[ids.TERRAIN] = varied((104, 124, 66), rng, 12)
    return base


def _texture_level(
    labels: np.ndarray, x: np.ndarray, z: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return what the surfaces' texture adds to every channel, float32 (rows, width)."""
    strength = np.zeros(256, np.float32)
    strength[[ids.ROAD, ids.PARKING, ids.SIDEWALK, ids.TERRAIN]] = (5, 6, 5, 13)
    to_px = np.float32(_TEXTURE_PX / _TEXTURE_M)
    down = np.broadcast_to(_cycle(z * to_px, _TEXTURE_PX), x.shape)
    level = cv2.remap(_texture(rng), x * to_px, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    # Far texture would flicker: it fades as a texture cell falls below a pixel.
    level *= np.clip(14 / z, 0.15, 1.0)
    level *= cv2.LUT(labels, strength)
    paved = _rows(z, 0.0, 22.0)
    joints = (_cycle(x[paved], 0.6) < 0.03) | (_cycle(z[paved], 0.6) < 0.03)
    level[paved] -= 11 * (joints & (labels[paved] == ids.SIDEWALK))
    return level


def _texture(rng: np.random.Generator) -> np.ndarray:
    size = (_TEXTURE_PX, _TEXTURE_PX)
    fine = rng.standard_normal(size, np.float32)
    return 0.55 * fine + 0.6 * noise(rng, size, 7) + 0.9 * noise(rng, size, 60)


def _markings(
    street: Street,
    x: np.ndarray,
    z: np.ndarray,
    beyond: np.ndarray,
    lined: bool,
    rng: np.random.Generator,
) -> tuple[np.ndarray, float]:
    """Return where paint lies (rows, width) and how white it is; paint is road in the labels."""
    paint = np.zeros(x.shape, bool)
    period, phase = rng.uniform(6, 10), rng.uniform(0, 6)
    dashed = _cycle(z + phase, period) < 0.45 * period
    lanes = round((street.half_width - max(street.parking)) / street.lane)
    for lane in range(1 - lanes, lanes):
        along = np.abs(x - np.float32(lane * street.lane)) < 0.07
        paint |= along if lane == 0 and rng.random() < 0.35 else along & dashed
    if lined:
        for side, bay in zip((-1, 1), street.parking, strict=True):
            place = side * (street.half_width - bay - 0.18 * (bay == 0))
            paint |= np.abs(x - np.float32(place)) < 0.06
    if street.junction:
        start = street.junction - 1
        paint[_rows(z, start, start + street.junction_width + 2)] = False
    if street.crossing:
        zebra = _rows(z, street.crossing, street.crossing + 3)
        paint[zebra] = (_cycle(x[zebra], 1.0) < 0.5) & (beyond[zebra] < 0)
        stop = _rows(z, street.crossing - 1.6, street.crossing - 1.2)
        paint[stop] |= (x[stop] > 0) & (x[stop] < street.half_width - street.parking[1])
    return paint, float(rng.uniform(0.65, 0.95))


def draw_wear(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    """Draw what lies on the asphalt without a label of its own: patches, tram rails."""
    for share, start, wide, long in rng.uniform((0, 5, 0.6, 1.5), (1, 45, 2.0, 9.0), (4, 4)):
        left = (2 * share - 1) * street.half_width * 0.7
        corners = [(left, 0, start), (left + wide, 0, start)]
        corners += [(left + wide, 0, start + long), (left, 0, start + long)]
        canvas.shade(canvas.camera.project(np.array(corners)), rng.uniform(0.84, 0.95))
    if street.rails:
        z = np.concatenate([np.linspace(2, 30, 20), np.linspace(34, 120, 16)])
        for rail in (-2.2, -0.8, 0.8, 2.2):
            left = np.stack([np.full_like(z, rail - 0.06), 0 * z, z], 1)
            right = left[::-1] + (0.12, 0, 0)
            canvas.shade(canvas.camera.project(np.concatenate([left, right])), 0.6)
