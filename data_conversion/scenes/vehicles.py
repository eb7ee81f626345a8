"""Cars, vans, trucks, buses and trams: side profiles extruded to solids, seen from any heading."""

import dataclasses

import numpy as np

from roadseg.data_conversion.scenes import ids
from roadseg.data_conversion.scenes.bodies import (
    BUS_BODY,
    CAB,
    CARGO,
    CARS,
    TRAM_BODY,
    Body,
)
from roadseg.data_conversion.scenes.canvas import CIRCLE, Canvas, Colour, scaled, varied

GLASS: Colour = (52, 62, 74)
_TYRE: Colour = (30, 30, 32)
_HUB: Colour = (132, 134, 138)
PAINTS: tuple[Colour, ...] = (
    (188, 190, 194),
    (236, 236, 236),
    (42, 44, 48),
    (96, 100, 106),
    (142, 34, 36),
    (38, 62, 118),
    (70, 92, 84),
    (176, 150, 96),
    (28, 40, 70),
    (200, 60, 30),
)


@dataclasses.dataclass(frozen=True)
class Pose:
    """Where a vehicle stands: x and z of its middle, heading in radians (0 drives ahead)."""

    x: float
    z: float
    heading: float

    def world(self, along: np.ndarray, across: np.ndarray, up: np.ndarray) -> np.ndarray:
        """Return world points (n, 3) of points along the vehicle, to its right, and up."""
        sine, cosine = np.sin(self.heading), np.cos(self.heading)
        x = self.x + along * sine + across * cosine
        z = self.z + along * cosine - across * sine
        return np.stack([x, np.broadcast_to(up, x.shape), z], 1)


def draw_car(canvas: Canvas, pose: Pose, rng: np.random.Generator) -> None:
    """Draw a random car or van with wheels, windows, lamps and a plate."""
    body = CARS[rng.choice(4, p=[0.32, 0.36, 0.2, 0.12])]
    paint = varied(PAINTS[rng.integers(len(PAINTS))], rng, 8)
    half = body.length / 2
    ground_shadow(canvas, pose, half, body.width / 2)
    _tyres(canvas, pose, half, body.width / 2, 0.81, ids.CAR)
    _solid(canvas, pose, body, half, paint, ids.CAR)
    _side_windows(canvas, pose, body, half, ids.CAR)
    _wheels(canvas, pose, half, body.width / 2, (0.19, 0.81), 0.33, ids.CAR)
    _lamps(canvas, pose, half, body.width / 2, 0.78, ids.CAR)


def draw_bus(canvas: Canvas, pose: Pose, rng: np.random.Generator) -> None:
    """Draw a city bus with a band of windows and doors."""
    paint = varied(
        ((206, 50, 44), (230, 190, 40), (236, 236, 232), (60, 120, 170))[rng.integers(4)], rng
    )
    _long_vehicle(canvas, pose, BUS_BODY, paint, ids.BUS)
    half = BUS_BODY.length / 2
    _wheels(canvas, pose, half, BUS_BODY.width / 2, (0.2, 0.78), 0.5, ids.BUS)
    _lamps(canvas, pose, half, BUS_BODY.width / 2, 0.8, ids.BUS)


def draw_tram(canvas: Canvas, pose: Pose, rng: np.random.Generator) -> None:
    """Draw a tram."""
    paint = varied(((214, 206, 190), (170, 36, 40), (246, 214, 60))[rng.integers(3)], rng)
    _long_vehicle(canvas, pose, TRAM_BODY, paint, ids.TRAIN)


def draw_truck(canvas: Canvas, pose: Pose, rng: np.random.Generator) -> None:
    """Draw a box truck: cargo box behind a cab."""
    half = 8.2 / 2
    box = varied(
        ((226, 226, 222), (90, 110, 150), (190, 170, 130), (150, 60, 50))[rng.integers(4)], rng
    )
    cab = varied(PAINTS[rng.integers(len(PAINTS))], rng)
    ground_shadow(canvas, pose, half, 1.25)
    _tyres(canvas, pose, half, 1.2, 0.85, ids.TRUCK)
    parts = [(CARGO, box), (CAB, cab)]
    # The part farther from the camera first.
    for body, paint in parts if np.cos(pose.heading) < 0 else parts[::-1]:
        _solid(canvas, pose, body, half, paint, ids.TRUCK)
    along, up = half * np.array([-1, 1, 1, -1]), np.array([0.6, 0.6, 0.9, 0.9])
    for side in _visible_sides(canvas, pose, 1.2):
        chassis = pose.world(along, np.full(4, side * 1.15), up)
        canvas.face(chassis, (44, 44, 46), ids.TRUCK)
    _wheels(canvas, pose, half, 1.2, (0.15, 0.28, 0.85), 0.5, ids.TRUCK)
    if np.cos(pose.heading) > 0.4:
        across, up = 1.1 * np.array([-1, 1, 1, -1]), np.array([0.4, 0.4, 0.95, 0.95])
        canvas.face(pose.world(np.full(4, -half), across, up), (44, 44, 46), ids.TRUCK)
    _lamps(canvas, pose, half, 1.2, 0.95, ids.TRUCK)


def ground_shadow(canvas: Canvas, pose: Pose, half_length: float, half_width: float) -> None:
    """Darken the ground under a vehicle, softly wider than it."""
    for grow, factor in ((1.12, 0.78), (0.98, 0.55)):
        along = np.array([-1, 1, 1, -1]) * half_length * grow
        across = np.array([-1, -1, 1, 1]) * half_width * grow
        points = pose.world(along, across, np.zeros(4))
        if points[:, 2].min() > 0.8:
            canvas.shade(canvas.camera.project(points), factor)


def _solid(canvas: Canvas, pose: Pose, body: Body, half: float, paint: Colour, label: int) -> None:
    """Draw the faces of an extruded profile that look at the camera, far ones first."""
    profile = np.array(body.profile)
    along = body.start - half + profile[:, 0] * body.length
    up = profile[:, 1]
    reach = body.width / 2 * np.where(up > body.belt + 0.05, 0.84, 1.0)
    sides = {side: pose.world(along, side * reach, up) for side in (-1, 1)}
    faces: list[tuple[float, np.ndarray, Colour]] = []
    for index in range(len(profile) - 1):
        quad = np.concatenate([sides[-1][index : index + 2], sides[1][index : index + 2][::-1]])
        rise, run = up[index + 1] - up[index], along[index + 1] - along[index]
        steep = abs(rise) / max(float(np.hypot(rise, run)), 1e-6)
        colour = scaled(paint, 1.12 - 0.3 * steep)
        if index in body.glass:
            colour = scaled(GLASS, 1.35 - 0.4 * steep)
        faces.append((float(quad[:, 2].mean()), quad, colour))
    faces = [face for face in faces if _faces_camera(canvas, face[1], pose)]
    for side in _visible_sides(canvas, pose, body.width / 2):
        faces.append((float(sides[side][:, 2].mean()), sides[side], scaled(paint, 0.9)))
    for _, face, colour in sorted(faces, key=lambda item: -item[0]):
        canvas.face(face, colour, label)


def _faces_camera(canvas: Canvas, face: np.ndarray, pose: Pose) -> bool:
    """Return whether the outside of a face, its normal away from the middle, looks here."""
    normal = np.cross(face[1] - face[0], face[2] - face[1])
    centre = face.mean(0)
    middle = np.array([pose.x, 0.8, pose.z])
    if normal @ (centre - middle) < 0:
        normal = -normal
    return bool(normal @ (_eye(canvas, pose.z) - centre) > 0)


def _eye(canvas: Canvas, z: float) -> np.ndarray:
    """Return the camera's place in the street's own coordinates at distance z."""
    camera = canvas.camera
    return np.array([camera.x - (camera.slope + camera.bend * z) * z, camera.height, 0.0])


def _visible_sides(canvas: Canvas, pose: Pose, half_width: float) -> list[int]:
    eye = _eye(canvas, pose.z)
    right = np.array([np.cos(pose.heading), 0.0, -np.sin(pose.heading)])
    offset = float((eye - (pose.x, 0.0, pose.z)) @ right)
    return [side for side in (-1, 1) if side * offset > half_width]


def _side_windows(canvas: Canvas, pose: Pose, body: Body, half: float, label: int) -> None:
    profile = np.array(body.profile)
    cabin = profile[profile[:, 1] >= body.belt - 0.05]
    cabin = cabin[cabin[:, 1] > cabin[:, 1].min() - 0.01]
    low, high = body.belt + 0.05, float(cabin[:, 1].max()) - 0.1
    tops = cabin[cabin[:, 1] > high]
    first, last = float(tops[:, 0].min()), float(tops[:, 0].max())
    spread = 0.1
    for share in (
        (first - spread * 0.7, (first + last) / 2 - 0.012),
        ((first + last) / 2 + 0.012, last + spread),
    ):
        rear = share[0] < (first + last) / 2 - 0.05
        tilt = (spread * 0.6, 0.0) if rear else (0.0, -spread * 0.9)
        along = -half + body.length * np.array(
            [share[0], share[1], share[1] + tilt[1], share[0] + tilt[0]]
        )
        up = np.array([low, low, high, high])
        reach = body.width / 2 * np.array([0.99, 0.99, 0.86, 0.86])
        for side in _visible_sides(canvas, pose, body.width / 2 * 0.9):
            canvas.face(pose.world(along, side * reach, up), GLASS, label)


def _long_vehicle(canvas: Canvas, pose: Pose, body: Body, paint: Colour, label: int) -> None:
    half = body.length / 2
    ground_shadow(canvas, pose, half, body.width / 2)
    if label == ids.BUS:
        _tyres(canvas, pose, half, body.width / 2, 0.8, label)
    _solid(canvas, pose, body, half, paint, label)
    panes = max(5, round(body.length / 1.7))
    for side in _visible_sides(canvas, pose, body.width / 2):
        for pane in range(panes):
            ends = (np.array([pane + 0.08, pane + 0.92]) / panes * 0.94 + 0.03) * body.length - half
            low = 0.7 if pane % 4 == 2 else 1.35
            along, up = ends[[0, 1, 1, 0]], np.array([low, low, 2.45, 2.45])
            across = np.full(4, side * body.width / 2)
            canvas.face(pose.world(along, across, up), GLASS, label)


def _tyres(
    canvas: Canvas, pose: Pose, half: float, half_width: float, share: float, label: int
) -> None:
    """Draw the tyres of the nearest axle from the end; the body comes over them."""
    if abs(np.cos(pose.heading)) < 0.5:
        return
    towards = -np.sign(np.cos(pose.heading))
    along = np.full(4, towards * (2 * share - 1) * half * 1.1)
    for side in (-1, 1):
        across = side * half_width * np.array([0.72, 0.97, 0.97, 0.72])
        up = np.array([0.0, 0.0, 0.6, 0.6])
        canvas.face(pose.world(along, across, up), _TYRE, label)


def _wheels(
    canvas: Canvas,
    pose: Pose,
    half: float,
    half_width: float,
    places: tuple[float, ...],
    radius: float,
    label: int,
) -> None:
    """Draw the wheels on the side that is seen."""
    for side in _visible_sides(canvas, pose, half_width):
        for share in places:
            for size, colour, kept in ((1.0, _TYRE, label), (0.6, _HUB, None)):
                along = (2 * share - 1) * half + CIRCLE[:, 0] * radius * size
                across = np.full(len(CIRCLE), side * half_width * 1.005)
                up = radius + CIRCLE[:, 1] * radius * size
                canvas.face(pose.world(along, across, up), colour, kept)


def _lamps(
    canvas: Canvas, pose: Pose, half: float, half_width: float, height: float, label: int
) -> None:
    """Draw lamps, bumper and plate on the end that the camera sees: red behind, white in front."""
    if abs(np.cos(pose.heading)) < 0.4:
        return
    rear = np.cos(pose.heading) > 0
    along = np.full(4, -half * 1.001 if rear else half * 1.001)
    lamp: Colour = (196, 36, 34) if rear else (244, 242, 224)
    up = height + np.array([-0.1, -0.1, 0.1, 0.1])
    for side in (-1, 1):
        across = side * half_width * np.array([0.66, 0.95, 0.95, 0.66])
        canvas.face(pose.world(along, across, up), lamp, None)
    across = half_width * np.array([-1, 1, 1, -1])
    canvas.face(
        pose.world(along, across * 0.95, np.array([0.3, 0.3, 0.46, 0.46])), (54, 54, 58), label
    )
    canvas.face(
        pose.world(along, across * 0.28, np.array([0.48, 0.48, 0.6, 0.6])), (228, 226, 214), None
    )
