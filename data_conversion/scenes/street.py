"""The street of one scene, drawn at random: widths, lanes, bend, light and air."""

import dataclasses

import numpy as np

from roadseg.data_conversion.scenes.canvas import SUPERSAMPLING, Air, Camera, Colour

FAR_M = 130.0


@dataclasses.dataclass(frozen=True)
class Light:
    """Time of day and weather.

    sky_top, sky_low: colours of the sky. sun: -1 from the left, 1 from the right, 0 overcast.
    warmth, exposure: factors on the finished picture. clouds: share of the sky, 0..1.
    """

    sky_top: Colour
    sky_low: Colour
    sun: int
    warmth: float
    exposure: float
    clouds: float


@dataclasses.dataclass(frozen=True)
class Street:
    """A straight or bending street; lengths in metres, x from its centre line.

    half_width: to each kerb. sidewalk: widths (left, right). verge: strip of grass beyond them.
    lane: width of a lane. crossing, junction: z of a zebra and of a side street, 0 for none.
    parking: bays between lane and kerb (left, right). rails: tram rails in the middle.
    """

    half_width: float
    lane: float
    sidewalk: tuple[float, float]
    verge: tuple[float, float]
    parking: tuple[float, float]
    crossing: float
    junction: float
    junction_width: float
    rails: bool
    camera: Camera
    light: Light
    air: Air

    def edge(self, side: int) -> float:
        """Return x of the outer edge of sidewalk and verge, where buildings begin."""
        index = 0 if side < 0 else 1
        return side * (self.half_width + self.sidewalk[index] + self.verge[index])

    def in_junction(self, z: float, margin: float = 0.0) -> bool:
        """Return whether z lies in the side street."""
        return self.junction > 0 and -margin < z - self.junction < self.junction_width + margin


def random_light(rng: np.random.Generator) -> Light:
    """Return clear, cloudy, overcast or evening light."""
    kind = rng.choice(4, p=[0.35, 0.3, 0.25, 0.1])
    sun = int(rng.choice([-1, 1]))
    if kind == 0:
        top, low = (86, 138, 205), (196, 216, 235)
        return Light(top, low, sun, rng.uniform(1.0, 1.06), rng.uniform(0.98, 1.12), 0.2)
    if kind == 1:
        top, low = (126, 160, 204), (214, 222, 230)
        return Light(top, low, sun, rng.uniform(0.98, 1.03), rng.uniform(0.92, 1.05), 0.6)
    if kind == 2:
        top, low = (196, 202, 208), (226, 228, 230)
        return Light(top, low, 0, rng.uniform(0.95, 1.0), rng.uniform(0.8, 0.98), 0.9)
    top, low = (104, 120, 168), (240, 200, 160)
    return Light(top, low, sun, rng.uniform(1.05, 1.12), rng.uniform(0.78, 0.9), 0.4)


def _verge(rng: np.random.Generator) -> float:
    return float(rng.uniform(1, 4) * (rng.random() < 0.45))


def random_street(rng: np.random.Generator, size: tuple[int, int], focal: float = 1.0) -> Street:
    """Return a street seen from the right lane; `size` is the final (height, width).

    focal: factor on the focal length, which is otherwise that of a dash camera.
    """
    height, width = (SUPERSAMPLING * length for length in size)
    lane = rng.uniform(2.9, 3.5)
    lanes = int(rng.choice([1, 1, 1, 2]))
    parking = tuple(float(2.2 * (rng.random() < 0.55)) for _ in range(2))
    half_width = lanes * lane + max(parking)
    camera = Camera(
        focal_px=rng.uniform(0.82, 1.1) * width * focal,
        centre_px=width * rng.uniform(0.47, 0.53),
        horizon_px=height * rng.uniform(0.40, 0.48),
        x=(lanes - 0.5) * lane + rng.uniform(-0.5, 0.4),
        height=rng.uniform(1.3, 1.7),
        slope=rng.normal(0, 0.02),
        bend=rng.normal(0, 0.0007) if rng.random() < 0.7 else 0.0,
        rise=rng.normal(0, 0.00008),
    )
    light = random_light(rng)
    red, green, blue = (0.5 * c + 0.5 * 205 for c in light.sky_low)
    haze = Air((red, green, blue), rng.uniform(0.002, 0.007))
    junction = rng.uniform(18, 60) if rng.random() < 0.5 else 0.0
    near_junction = junction - 4.5 if junction else rng.uniform(14, 45)
    return Street(
        half_width=half_width,
        lane=lane,
        sidewalk=(rng.uniform(1.6, 4.0), rng.uniform(1.6, 4.0)),
        verge=(_verge(rng), _verge(rng)),
        parking=(parking[0], parking[1]),
        crossing=near_junction if rng.random() < 0.5 else 0.0,
        junction=junction,
        junction_width=rng.uniform(6, 10),
        rails=lanes == 2 and bool(rng.random() < 0.5),
        camera=camera,
        light=light,
        air=haze,
    )
