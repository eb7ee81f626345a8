"""Shapes of vehicles: side profiles that are extruded across their width."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Body:
    """A solid: its side profile from the rear bottom over the top to the front bottom.

    profile: (share of the length from the rear, height in metres). glass: edges of the profile (by
    the index of their first point) that are windows. belt: height where the cabin begins to narrow.
    """

    profile: tuple[tuple[float, float], ...]
    length: float
    width: float
    glass: tuple[int, ...] = ()
    belt: float = 9.0
    start: float = 0.0


SEDAN = Body(
    (
        (0, 0.3),
        (0, 0.86),
        (0.03, 0.97),
        (0.17, 1.0),
        (0.31, 1.4),
        (0.6, 1.43),
        (0.76, 1.0),
        (0.98, 0.84),
        (1, 0.62),
        (1, 0.3),
    ),
    4.6,
    1.82,
    (3, 5),
    1.0,
)
HATCH = Body(
    (
        (0, 0.3),
        (0, 0.8),
        (0.02, 0.98),
        (0.11, 1.44),
        (0.22, 1.52),
        (0.58, 1.52),
        (0.75, 1.04),
        (0.97, 0.86),
        (1, 0.62),
        (1, 0.3),
    ),
    4.1,
    1.78,
    (2, 5),
    1.0,
)
OFF_ROAD = Body(
    (
        (0, 0.42),
        (0, 0.9),
        (0.02, 1.12),
        (0.07, 1.7),
        (0.2, 1.78),
        (0.6, 1.78),
        (0.73, 1.2),
        (0.97, 1.05),
        (1, 0.8),
        (1, 0.42),
    ),
    4.7,
    1.92,
    (2, 5),
    1.15,
)
VAN = Body(
    (
        (0, 0.35),
        (0, 1.1),
        (0.02, 1.95),
        (0.08, 2.1),
        (0.74, 2.1),
        (0.88, 1.3),
        (0.98, 1.1),
        (1, 0.7),
        (1, 0.35),
    ),
    5.2,
    2.0,
    (1, 4),
    1.2,
)
CARS = (SEDAN, HATCH, OFF_ROAD, VAN)
BUS_BODY = Body(
    ((0, 0.4), (0, 1.1), (0.005, 2.7), (0.02, 3.0), (0.98, 3.0), (0.995, 2.7), (1, 1.1), (1, 0.4)),
    11.5,
    2.5,
    (1, 5),
)
TRAM_BODY = Body(
    (
        (0, 0.4),
        (0.01, 1.2),
        (0.05, 3.1),
        (0.06, 3.3),
        (0.94, 3.3),
        (0.95, 3.1),
        (0.99, 1.2),
        (1, 0.4),
    ),
    24.0,
    2.4,
    (1, 5),
)
CARGO = Body(((0, 0.9), (0, 3.4), (1, 3.4), (1, 0.9)), 6.0, 2.45)
CAB = Body(
    ((0, 0.5), (0, 2.6), (0.75, 2.6), (0.96, 1.5), (1, 1.2), (1, 0.5)), 2.0, 2.35, (2,), start=6.15
)
