"""People on foot, on bicycles and on motorcycles: limbs in metres, drawn at any distance."""

import numpy as np

from roadseg.data_conversion.scenes import ids
from roadseg.data_conversion.scenes.canvas import CIRCLE, Canvas, Colour, scaled, varied

_SKIN: tuple[Colour, ...] = ((226, 188, 160), (198, 152, 120), (150, 104, 78), (98, 66, 52))
_HAIR: tuple[Colour, ...] = ((40, 32, 28), (92, 64, 40), (170, 136, 84), (120, 116, 112))
_TOPS: tuple[Colour, ...] = (
    (170, 44, 48),
    (44, 66, 118),
    (58, 60, 64),
    (214, 208, 196),
    (74, 106, 80),
    (202, 150, 50),
    (120, 84, 132),
    (30, 34, 40),
    (90, 140, 170),
    (226, 110, 60),
)
_TROUSERS: tuple[Colour, ...] = ((44, 50, 72), (36, 36, 40), (96, 88, 78), (70, 84, 108))


class _Figure:
    """Draws in metres from a foot point on the ground: across (to the right), up."""

    def __init__(self, canvas: Canvas, x: float, z: float, size: float, label: int) -> None:
        self.canvas, self.z, self.label = canvas, z, label
        self.foot = canvas.camera.project(np.array([(x, 0.0, z)]))[0]
        self.scale = canvas.camera.scale(z) * size

    def place(self, across: float, up: float) -> np.ndarray:
        return self.foot + np.array([across, -up]) * self.scale

    def limb(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        widths: tuple[float, float],
        colour: Colour,
    ) -> None:
        wide = (max(widths[0] * self.scale, 1.0), max(widths[1] * self.scale, 1.0))
        self.canvas.limb(self.place(*start), self.place(*end), wide, colour, self.z, self.label)

    def head(self, across: float, up: float, skin: Colour, hair: Colour) -> None:
        radius = np.array([0.105, 0.135]) * self.scale
        centre = self.place(across, up)
        self.canvas.fill(centre + CIRCLE * radius, skin, self.z, self.label)
        top = CIRCLE[CIRCLE[:, 1] < 0.05] * radius * 1.08
        self.canvas.fill(centre + top, hair, self.z, self.label)


def _clothes(rng: np.random.Generator) -> tuple[Colour, Colour, Colour, Colour]:
    return (
        _SKIN[rng.integers(4)],
        _HAIR[rng.integers(4)],
        varied(_TOPS[rng.integers(len(_TOPS))], rng, 10),
        varied(_TROUSERS[rng.integers(4)], rng, 8),
    )


def draw_person(canvas: Canvas, x: float, z: float, rng: np.random.Generator) -> None:
    """Draw someone standing or walking, grown or a child, with or without a bag."""
    size = rng.normal(1.0, 0.05) if rng.random() < 0.88 else rng.uniform(0.62, 0.75)
    figure = _Figure(canvas, x, z, float(size), ids.PERSON)
    skin, hair, top, trousers = _clothes(rng)
    walking = rng.random() < 0.7
    facing = float(rng.choice([-1, 1]))
    stride = rng.uniform(0.1, 0.3) * facing if walking else 0.07
    shadow = figure.foot + CIRCLE * (0.34 * figure.scale, 0.06 * figure.scale)
    canvas.shade(shadow, 0.6)
    coat = rng.random() < 0.25
    figure.limb((0, 0.86), (-stride, 0.06), (0.17, 0.11), scaled(trousers, 0.8))
    figure.limb((-stride, 0.05), (-stride + 0.1 * facing, 0.03), (0.09, 0.07), (36, 32, 30))
    swing = stride * 0.8
    figure.limb((-0.13, 1.4), (-0.16 + swing, 0.85), (0.12, 0.08), scaled(top, 0.78))
    figure.limb((0.02, 0.86), (stride, 0.06), (0.18, 0.11), trousers)
    figure.limb((stride, 0.05), (stride + 0.1 * facing, 0.03), (0.09, 0.07), (36, 32, 30))
    figure.limb((0, 1.34), (0, 0.62 if coat else 0.9), (0.4, 0.36 if coat else 0.3), top)
    figure.limb((0.13, 1.4), (0.17 - swing, 0.85), (0.12, 0.08), scaled(top, 0.9))
    figure.limb((0, 1.45), (0.0, 1.53), (0.11, 0.1), skin)
    figure.head(0.02 * facing, 1.63, skin, hair)
    if rng.random() < 0.35:
        bag = varied(((60, 40, 34), (140, 50, 50), (40, 60, 90))[rng.integers(3)], rng, 10)
        figure.limb((0.22 * facing, 0.95), (0.22 * facing, 0.72), (0.2, 0.24), bag)


def draw_cyclist(
    canvas: Canvas,
    x: float,
    z: float,
    side_on: float,
    rng: np.random.Generator,
    ridden: bool = True,
) -> None:
    """Draw a bicycle, ridden or parked; side_on: 1 seen from the side, near 0 from behind."""
    paint = varied(
        ((40, 44, 50), (150, 40, 40), (50, 90, 130), (190, 190, 190))[rng.integers(4)], rng
    )
    _two_wheeler(canvas, x, z, side_on, ids.BICYCLE, 0.34, 1.05, 0.045, paint)
    frame = _Figure(canvas, x, z, 1.0, ids.BICYCLE)
    w = side_on
    joints = {
        "rear": (-0.52 * w, 0.34),
        "seat": (-0.2 * w, 0.88),
        "pedals": (-0.05 * w, 0.3),
        "bar": (0.36 * w, 0.98),
        "front": (0.52 * w, 0.34),
    }
    for one, other in (
        ("rear", "seat"),
        ("rear", "pedals"),
        ("pedals", "seat"),
        ("seat", "bar"),
        ("pedals", "bar"),
        ("bar", "front"),
    ):
        frame.limb(joints[one], joints[other], (0.05, 0.05), paint)
    frame.limb(
        (joints["bar"][0] - 0.25 * (1 - abs(w)), 1.02),
        (joints["bar"][0] + 0.25 * (1 - abs(w)) + 0.06, 1.02),
        (0.05, 0.05),
        (40, 40, 42),
    )
    if ridden:
        _rider(canvas, x, z, w, 0.9, rng)
        _near_wheel(frame, w, 0.34, 0.045)


def draw_motorcycle(
    canvas: Canvas,
    x: float,
    z: float,
    side_on: float,
    rng: np.random.Generator,
    ridden: bool = True,
) -> None:
    """Draw a motorcycle or scooter, ridden or parked; side_on as for the bicycle."""
    paint = varied(
        ((24, 26, 30), (160, 30, 34), (40, 70, 140), (210, 208, 204))[rng.integers(4)], rng
    )
    _two_wheeler(canvas, x, z, side_on, ids.MOTORCYCLE, 0.31, 1.35, 0.13, paint)
    frame = _Figure(canvas, x, z, 1.0, ids.MOTORCYCLE)
    w = side_on
    frame.limb((-0.5 * w, 0.62), (0.3 * w, 0.66), (0.34, 0.4), paint)
    frame.limb((-0.75 * w, 0.78), (-0.1 * w, 0.8), (0.14, 0.16), (34, 32, 34))
    frame.limb((0.62 * w, 0.34), (0.42 * w, 1.0), (0.1, 0.1), (90, 92, 96))
    frame.limb(
        (0.4 * w - 0.32 * (1 - abs(w)), 1.0),
        (0.4 * w + 0.32 * (1 - abs(w)), 1.0),
        (0.07, 0.07),
        (40, 40, 42),
    )
    lamp = frame.place(0.5 * w, 0.82)
    canvas.disc(lamp, (0.1 * frame.scale, 0.1 * frame.scale), (236, 226, 190), z, frame.label)
    if ridden:
        _rider(canvas, x, z, w, 0.82, rng, helmet=True)
        _near_wheel(frame, w, 0.31, 0.13)


def _two_wheeler(
    canvas: Canvas,
    x: float,
    z: float,
    side_on: float,
    label: int,
    radius: float,
    base: float,
    tyre: float,
    paint: Colour,
) -> None:
    """Draw two wheels as rings, narrow when seen from behind, and their shadow."""
    figure = _Figure(canvas, x, z, 1.0, label)
    reach = abs(side_on) * base / 2 + 0.2
    canvas.shade(figure.foot + CIRCLE * (reach * figure.scale, 0.07 * figure.scale), 0.6)
    narrow = max(abs(side_on), 0.18)
    for end in (-1, 1):
        centre = figure.place(end * side_on * base / 2, radius)
        for size, colour in ((radius, (32, 32, 34)), (radius - 1.6 * tyre, scaled(paint, 0.6))):
            wide = max(size * narrow * figure.scale, 1.0)
            # A bicycle's spokes hide little, but Cityscapes labels the whole wheel.
            canvas.disc(centre, (wide, max(size * figure.scale, 1.0)), colour, z, label)


def _near_wheel(figure: _Figure, side_on: float, radius: float, tyre: float) -> None:
    """Draw the rear wheel again, which stands before the legs when seen from behind."""
    if abs(side_on) < 0.5:
        wide = max((0.18 * radius + tyre / 2) * figure.scale, 1.0)
        tall = max(radius * figure.scale, 1.0)
        figure.canvas.disc(
            figure.place(-0.3 * side_on, radius), (wide, tall), (34, 34, 36), figure.z, figure.label
        )


def _rider(
    canvas: Canvas,
    x: float,
    z: float,
    w: float,
    seat: float,
    rng: np.random.Generator,
    helmet: bool = False,
) -> None:
    figure = _Figure(canvas, x, z, 1.0, ids.RIDER)
    skin, hair, top, trousers = _clothes(rng)
    hip, shoulder = (-0.18 * w, seat + 0.06), (0.06 * w, seat + 0.58)
    for phase, tone in ((-1, 0.8), (1, 1.0)):
        spread = 0.17 * phase * (1 - abs(w))
        knee = (0.18 * w + spread, seat - 0.18 + 0.12 * phase)
        pedal = (-0.02 * w + spread, 0.3 + 0.1 * phase)
        figure.limb(hip, knee, (0.17, 0.13), scaled(trousers, tone))
        figure.limb(knee, pedal, (0.13, 0.09), scaled(trousers, tone))
    figure.limb(hip, shoulder, (0.32, 0.38), top)
    for end in (-1, 1):
        hand = (0.4 * w + 0.22 * end * (1 - abs(w)), seat + 0.16)
        start = (shoulder[0] + 0.16 * end * (1 - abs(w)), shoulder[1] - 0.04)
        figure.limb(start, hand, (0.11, 0.08), scaled(top, 0.9))
    cap = varied(((230, 230, 230), (30, 30, 34), (170, 40, 40))[rng.integers(3)], rng, 8)
    figure.head(
        shoulder[0] + 0.06 * w,
        shoulder[1] + 0.24,
        skin,
        cap if helmet or rng.random() < 0.4 else hair,
    )
