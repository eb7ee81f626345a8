"""Thin things on the sidewalk: lamp posts, traffic lights, signs, bins."""

import numpy as np

from roadseg.data_conversion.scenes import ids
from roadseg.data_conversion.scenes.canvas import (
    CIRCLE,
    Canvas,
    Colour,
    box_outline,
    scaled,
    varied,
)

_METAL: Colour = (112, 116, 118)


def draw_lamp(canvas: Canvas, x: float, z: float, side: int, rng: np.random.Generator) -> None:
    """Draw a street lamp whose arm reaches over the road."""
    metal, height = varied(_METAL, rng, 10), rng.uniform(5.5, 8.5)
    arm = -side * rng.uniform(0.6, 1.8)
    canvas.post((x, 0, z), (x, height, z), rng.uniform(0.12, 0.18), metal, ids.POLE)
    canvas.post((x, height, z), (x + arm, height + 0.25, z), 0.09, metal, ids.POLE)
    head = box_outline((x + arm - 0.35, x + arm + 0.35), (height + 0.12, height + 0.34), z)
    canvas.face(head, scaled(metal, 0.8), ids.POLE)


def draw_traffic_light(canvas: Canvas, x: float, z: float, rng: np.random.Generator) -> None:
    """Draw a post with a signal box; one of the three lamps is on."""
    metal, height = varied((96, 98, 98), rng, 8), rng.uniform(2.9, 3.6)
    canvas.post((x, 0, z), (x, height, z), 0.13, metal, ids.POLE)
    _signal(canvas, x, height - 0.2, z, rng)
    if rng.random() < 0.3:
        reach = -np.sign(x) * rng.uniform(2.5, 4.5)
        canvas.post((x, height, z), (x, 5.6, z), 0.13, metal, ids.POLE)
        canvas.post((x, 5.6, z), (x + reach, 5.7, z), 0.1, metal, ids.POLE)
        _signal(canvas, x + reach, 5.9, z, rng)


def _signal(canvas: Canvas, x: float, top: float, z: float, rng: np.random.Generator) -> None:
    wide, tall = 0.2, 1.02
    box = box_outline((x - wide, x + wide), (top - tall, top), z)
    canvas.face(box, varied((34, 38, 36), rng, 5), ids.LIGHT)
    on = int(rng.integers(3))
    lamps = ((235, 50, 40), (245, 190, 50), (60, 220, 120))
    for index, lamp in enumerate(lamps):
        centre = canvas.camera.project(np.array([(x, top - 0.19 - 0.32 * index, z)]))[0]
        radius = 0.12 * canvas.camera.scale(z)
        glow = lamp if index == on else scaled(lamp, 0.22)
        canvas.disc(centre, (radius, radius), glow, z, None)


def draw_sign(canvas: Canvas, x: float, z: float, rng: np.random.Generator) -> None:
    """Draw a traffic sign on a post: round, triangular, square or a name plate."""
    height, half = rng.uniform(2.2, 2.9), rng.uniform(0.3, 0.42)
    canvas.post((x, 0, z), (x, height + half, z), 0.075, varied((150, 152, 152), rng, 8), ids.POLE)
    centre = canvas.camera.project(np.array([(x, height, z)]))[0]
    radius = half * canvas.camera.scale(z)
    kind = int(rng.integers(5))
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float)
    triangle = np.array([(0, -1), (1.1, 0.9), (-1.1, 0.9)], float)
    if kind == 0:
        canvas.fill(centre + CIRCLE * radius, (190, 30, 36), z, ids.SIGN)
        canvas.fill(centre + CIRCLE * radius * 0.7, (238, 238, 234), z, None)
    elif kind == 1:
        canvas.fill(centre + triangle * radius, (192, 34, 38), z, ids.SIGN)
        canvas.fill(centre + (0, 0.1 * radius) + triangle * radius * 0.6, (240, 238, 230), z, None)
    elif kind == 2:
        canvas.fill(centre + square * radius * 0.9, (34, 84, 170), z, ids.SIGN)
        canvas.fill(centre + triangle * radius * 0.5, (236, 238, 240), z, None)
    elif kind == 3:
        canvas.fill(centre + CIRCLE * radius, (36, 88, 176), z, ids.SIGN)
        canvas.fill(centre + square * (radius * 0.14, radius * 0.6), (238, 240, 242), z, None)
    else:
        plate = centre + square * (radius * 2.1, radius * 0.5)
        canvas.fill(plate, (226, 196, 40), z, ids.SIGN)
        canvas.fill(centre + square * (radius * 1.7, radius * 0.14), (40, 40, 40), z, None)


def draw_bin(canvas: Canvas, x: float, z: float, rng: np.random.Generator) -> None:
    """Draw a litter bin or a box; Cityscapes calls these static and does not train them."""
    colour = varied(((60, 84, 66), (90, 92, 96), (150, 110, 50))[rng.integers(3)], rng, 8)
    wide, tall = rng.uniform(0.25, 0.5), rng.uniform(0.8, 1.3)
    canvas.face(box_outline((x - wide, x + wide), (0, tall), z), colour, ids.STATIC)
    canvas.face(
        box_outline((x - wide, x + wide), (tall * 0.85, tall), z), scaled(colour, 1.3), None
    )
