"""Pictures of optical flow (RGB uint8): the direction is a hue, the length its strength.

The colours are those of the Middlebury benchmark: 55 hues in six stretches, red for a step to the
right, white for none. Source: Baker et al., IJCV 2011, and the wheel of its `flow-code`.
"""

from functools import cache

import numpy as np

from roadseg.two_cameras.flow_files import known

# Hues from one corner of the colour cube to the next: red, yellow, green, cyan, blue, magenta.
_STRETCHES = (15, 6, 4, 11, 13, 6)
_CORNERS = ((255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255), (255, 0, 255))
_BEYOND = 0.75  # how bright a hue is for steps that are longer than the longest to be shown


@cache
def colour_wheel() -> np.ndarray:
    """Return the 55 hues, integers (55, 3), red first; each is rounded towards where it began."""
    hues = []
    for index, count in enumerate(_STRETCHES):
        start, end = np.array(_CORNERS[index]), np.array(_CORNERS[(index + 1) % len(_CORNERS)])
        ramp = 255 * np.arange(count)[:, None] // count
        hues.append(start + np.sign(end - start) * ramp)
    return np.concatenate(hues)


def colourise_flow(flow_xy_px: np.ndarray, longest_px: float | None = None) -> np.ndarray:
    """Return (height, width, 3) uint8: the colours of a flow, black where it is not known.

    flow_xy_px: (height, width, 2) numbers, (x, y) in pixels.
    longest_px: length that has the full hue; by default that of the longest step in the flow.
        Longer steps are darker. Raises ValueError for one that is not positive.
    """
    flow = np.asarray(flow_xy_px, np.float64)
    if longest_px is not None and not longest_px > 0:
        raise ValueError(f"longest_px={longest_px}: a positive length is wanted")
    there = known(flow)
    flow = np.where(there[..., None], flow, 0.0)
    length = np.hypot(flow[..., 0], flow[..., 1])
    scale = longest_px or float(length.max(initial=0.0)) or 1.0
    hue, length = _hues(flow), (length / scale)[..., None]
    colours = np.where(length <= 1, 1 - length * (1 - hue), hue * _BEYOND)
    # A pixel of full hue is 255 whatever the division above rounded it to.
    levels = np.floor(255 * colours + 1e-9).astype(np.uint8)
    return np.where(there[..., None], levels, np.uint8(0))


def flow_key(side_px: int = 151) -> np.ndarray:
    """Return the key to the colours, (side_px, side_px, 3) uint8.

    Each pixel shows the step that leads to it from the middle; beyond the longest one all is white.
    """
    steps = np.linspace(-1, 1, side_px)
    right, down = np.meshgrid(steps, steps)
    inside = np.hypot(right, down) <= 1
    key = colourise_flow(np.stack([right, down], -1), 1.0)
    return np.where(inside[..., None], key, np.uint8(255))


def _hues(flow: np.ndarray) -> np.ndarray:
    """Return the hue of each step, (height, width, 3) in 0..1, between the two nearest of 55."""
    wheel = colour_wheel() / 255
    # Negated, so that a step to the right lies where the wheel begins, at red.
    turn = np.arctan2(-flow[..., 1], -flow[..., 0]) / np.pi
    place = (turn + 1) / 2 * (len(wheel) - 1)
    first = np.floor(place).astype(int)
    part = (place - first)[..., None]
    return (1 - part) * wheel[first] + part * wheel[(first + 1) % len(wheel)]
