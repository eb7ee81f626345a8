"""Puts a scene together: what stands where, drawn from far to near."""

from collections.abc import Callable

import numpy as np

from roadseg.data_conversion.scenes import (
    backdrop,
    buildings,
    finish,
    furniture,
    ids,
    people,
    plants,
    vehicles,
)
from roadseg.data_conversion.scenes.canvas import Canvas, varied
from roadseg.data_conversion.scenes.ground import draw_ground, draw_wear
from roadseg.data_conversion.scenes.street import FAR_M, Street, random_street

# (distance of the far end, how to draw it)
Item = tuple[float, Callable[[], None]]


def draw_scene(
    size: tuple[int, int], rng: np.random.Generator, focal: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return image uint8 (H, W, 3) RGB and Cityscapes label ids uint8 (H, W) of a new scene.

    focal: factor on the focal length; the street is the same for every factor.
    """
    street = random_street(rng, size, focal)
    canvas = Canvas(size, street.camera, street.air)
    backdrop.draw_sky(canvas, street, rng)
    backdrop.draw_far_houses(canvas, street, rng)
    draw_ground(canvas, street, rng)
    draw_wear(canvas, street, rng)
    finish.cast_shadows(canvas, street, rng)
    items = [*_lots(canvas, street, rng), *_sidewalks(canvas, street, rng)]
    items += [*_parked(canvas, street, rng), *_traffic(canvas, street, rng)]
    items += _crossing(canvas, street, rng)
    # Far ones first: near ones hide them.
    for _, draw in sorted(items, key=lambda item: -item[0]):
        draw()
    if rng.random() < 0.7:
        paint = varied((50.0, 52.0, 58.0), rng, 22)
        finish.draw_bonnet(canvas, paint, float(rng.uniform(0.06, 0.12)))
    return finish.expose(canvas, street, rng)


def _lots(canvas: Canvas, street: Street, rng: np.random.Generator) -> list[Item]:
    """Return houses, gardens, parks and the barriers before them, on both sides."""
    items: list[Item] = []
    for side in (-1, 1):
        x, z = street.edge(side), rng.uniform(-8, 0)
        built = rng.uniform(0.45, 0.95)
        usual = rng.uniform(6, 16)
        sun = street.light.sun
        lit = 1.0 if sun == 0 else 0.82 if sun == side else 1.15
        while z < FAR_M:
            length = rng.uniform(7, 18)
            if street.in_junction(z + length, 1.0) or street.in_junction(z, 1.0):
                z = max(z + 2, 0.0)
                if street.in_junction(z, 1.0):
                    z = street.junction + street.junction_width + 1.5
                    continue
                length = max(street.junction - 1.0 - z, 0.0)
                if length < 4:
                    z = street.junction + street.junction_width + 1.5
                    continue
            ends = (max(z, 1.5), z + length)
            if ends[1] > 3:
                if rng.random() < built:
                    items += _house(canvas, x, side, ends, usual, lit, rng)
                else:
                    items += _garden(canvas, x, side, ends, sun, rng)
            z += length
    return items


def _house(
    canvas: Canvas,
    x: float,
    side: int,
    ends: tuple[float, float],
    usual: float,
    lit: float,
    rng: np.random.Generator,
) -> list[Item]:
    back = x + side * (0.0 if rng.random() < 0.7 else rng.uniform(2, 5))
    height = max(4.0, rng.normal(usual, 2.5))
    items: list[Item] = [
        (ends[1] + 2.0, lambda: buildings.draw_house(canvas, back, side, ends, height, lit, rng))
    ]
    if back != x:
        kind = int(rng.choice([ids.WALL, ids.FENCE]))
        items.append((ends[1] + 0.5, lambda: buildings.draw_barrier(canvas, x, ends, kind, rng)))
    return items


def _garden(
    canvas: Canvas,
    x: float,
    side: int,
    ends: tuple[float, float],
    sun: int,
    rng: np.random.Generator,
) -> list[Item]:
    items: list[Item] = []
    for _ in range(rng.integers(2, 6)):
        place = (x + side * rng.uniform(2, 9), rng.uniform(*ends))
        if place[1] > 6:
            tall = rng.uniform(5, 11)
            items.append(_at(place[1] + 1.5, plants.draw_tree, canvas, *place, tall, sun, rng))
    choice = rng.random()
    if choice < 0.4:
        items.append(
            _at(
                ends[1] + 0.5,
                plants.draw_hedge,
                canvas,
                x + side * 0.6,
                ends,
                rng.uniform(1, 2),
                rng,
            )
        )
    elif choice < 0.9:
        kind = int(rng.choice([ids.WALL, ids.FENCE]))
        items.append(_at(ends[1] + 0.5, buildings.draw_barrier, canvas, x, ends, kind, rng))
    return items


def _sidewalks(canvas: Canvas, street: Street, rng: np.random.Generator) -> list[Item]:
    """Return lamps, lights, signs, street trees, bins, people and parked two-wheelers."""
    items: list[Item] = []
    for side, width in zip((-1, 1), street.sidewalk, strict=True):
        kerb = side * (street.half_width + 0.4)
        spacing, first = rng.uniform(16, 30), rng.uniform(7, 18)
        for z in np.arange(first, 110, spacing):
            if not street.in_junction(z):
                items.append(_at(z, furniture.draw_lamp, canvas, kerb, float(z), side, rng))
        trees = rng.random() < 0.4
        for z in np.arange(rng.uniform(9, 16), 100, rng.uniform(9, 16)):
            if trees and not street.in_junction(z):
                tall = rng.uniform(4.5, 8)
                sun = street.light.sun
                items.append(_at(z, plants.draw_tree, canvas, kerb, float(z), tall, sun, rng))
        for _ in range(rng.integers(1, 5)):
            z = rng.uniform(8, 70)
            items.append(_at(z, furniture.draw_sign, canvas, kerb, z, rng))
        for _ in range(rng.integers(0, 3)):
            z = rng.uniform(6, 50)
            items.append(_at(z, furniture.draw_bin, canvas, kerb + side * 0.3, z, rng))
        for _ in range(rng.integers(4, 18)):
            z = 6 + 85 * rng.beta(1.3, 1.5)
            x = kerb + side * rng.uniform(0.3, max(width - 0.5, 0.5))
            for friend in range(1 + (rng.random() < 0.25)):
                items.append(_at(z, people.draw_person, canvas, x + 0.6 * friend, z, rng))
        for _ in range(rng.integers(0, 4)):
            z, x = rng.uniform(7, 40), kerb + side * rng.uniform(0.1, 0.6)
            draw = people.draw_cyclist if rng.random() < 0.7 else people.draw_motorcycle
            turn = float(rng.choice([-1, 1]) * rng.uniform(0.3, 0.95))
            items.append(_at(z, draw, canvas, x, z, turn, rng, False))
        if street.junction or street.crossing:
            z = (street.crossing or street.junction - 1.5) - 0.8
            items.append(_at(z, furniture.draw_traffic_light, canvas, kerb, z, rng))
    return items


def _parked(canvas: Canvas, street: Street, rng: np.random.Generator) -> list[Item]:
    items: list[Item] = []
    for side, bay in zip((-1, 1), street.parking, strict=True):
        z = rng.uniform(5, 14)
        while bay and z < 95:
            if rng.random() < 0.72 and not street.in_junction(z, 5):
                x = side * (street.half_width - bay / 2) + rng.normal(0, 0.08)
                heading = (0 if side > 0 else np.pi) + rng.normal(0, 0.03)
                pose = vehicles.Pose(x, z, heading)
                items.append(_at(z + 1.5, vehicles.draw_car, canvas, pose, rng))
            z += rng.uniform(5.2, 7.5)
    return items


def _traffic(canvas: Canvas, street: Street, rng: np.random.Generator) -> list[Item]:
    """Return what moves in the lanes, sparse near the camera."""
    items: list[Item] = []
    lanes = max(1, round((street.half_width - max(street.parking)) / street.lane))
    for lane in range(-lanes, lanes):
        ahead = lane >= 0
        middle = (lane + 0.5) * street.lane
        own = abs(middle - street.camera.x) < street.lane / 2
        z = rng.uniform(12, 45) if own else rng.uniform(9, 35)
        while z < 110:
            kind = rng.choice(7, p=[0.56, 0.1, 0.09, 0.05, 0.08, 0.06, 0.06])
            x = middle + rng.normal(0, 0.15)
            heading = (0.0 if ahead else np.pi) + rng.normal(0, 0.02)
            items.append(_vehicle(canvas, int(kind), x, z, heading, street.rails, rng))
            z += rng.uniform(9, 40) + (12 if kind in (1, 2, 3) else 0)
    for side in (-1, 1):
        for _ in range(rng.integers(0, 4)):
            z = rng.uniform(9, 75)
            x = side * (street.half_width - max(street.parking) - 0.6)
            draw = people.draw_cyclist if rng.random() < 0.75 else people.draw_motorcycle
            turn = float(rng.choice([-1, 1]) * rng.uniform(0.1, 0.6))
            items.append(_at(z, draw, canvas, x, z, turn, rng))
    return items


def _vehicle(
    canvas: Canvas,
    kind: int,
    x: float,
    z: float,
    heading: float,
    rails: bool,
    rng: np.random.Generator,
) -> Item:
    pose = vehicles.Pose(x, z, heading)
    if kind == 1:
        return _at(z + 3, vehicles.draw_truck, canvas, vehicles.Pose(x, z + 4, heading), rng)
    if kind == 2:
        return _at(z + 5, vehicles.draw_bus, canvas, vehicles.Pose(x, z + 6, heading), rng)
    if kind == 3:
        place = vehicles.Pose(np.sign(x) * 1.5 if rails else x, z + 13, heading)
        return _at(z + 10, vehicles.draw_tram, canvas, place, rng)
    if kind == 4:
        return _at(z, people.draw_motorcycle, canvas, x, z, rng.uniform(-0.5, 0.5), rng)
    if kind == 5:
        return _at(z, people.draw_cyclist, canvas, x, z, rng.uniform(-0.5, 0.5), rng)
    return _at(z + 1.5, vehicles.draw_car, canvas, pose, rng)


def _crossing(canvas: Canvas, street: Street, rng: np.random.Generator) -> list[Item]:
    """Return people and bicycles on the zebra and cars in the side street."""
    items: list[Item] = []
    if street.crossing > 8:
        for _ in range(rng.integers(1, 6)):
            x, z = rng.uniform(-1, 1) * street.half_width, street.crossing + rng.uniform(0.3, 2.7)
            items.append(_at(z, people.draw_person, canvas, x, z, rng))
    if street.junction:
        z = street.junction + street.junction_width / 2
        for side in (-1, 1):
            if rng.random() < 0.5:
                x = side * (street.half_width + rng.uniform(3, 12))
                pose = vehicles.Pose(x, z + side * 1.5, -side * np.pi / 2)
                items.append(_at(z + 1, vehicles.draw_car, canvas, pose, rng))
        if rng.random() < 0.5:
            x, turn = rng.uniform(-1, 1) * street.half_width, float(rng.choice([-1, 1]))
            items.append(_at(z - 1, people.draw_cyclist, canvas, x, z - 1, turn, rng))
    return items


def _at(z: float, draw: Callable[..., None], *arguments: object) -> Item:
    return float(z), lambda: draw(*arguments)
