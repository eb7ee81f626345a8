"""The colours of a flow, against the definition of the Middlebury wheel written out as loops."""

import math

import numpy as np
import pytest

from roadseg.drawing.flow import colour_wheel, colourise_flow, flow_key


def wheel_by_loops() -> list[tuple[int, int, int]]:
    """Return the 55 hues: 15 from red to yellow, 6 to green, 4 to cyan, 11 to blue, 13, 6."""
    hues = [(255, 255 * i // 15, 0) for i in range(15)]
    hues += [(255 - 255 * i // 6, 255, 0) for i in range(6)]
    hues += [(0, 255, 255 * i // 4) for i in range(4)]
    hues += [(0, 255 - 255 * i // 11, 255) for i in range(11)]
    hues += [(255 * i // 13, 0, 255) for i in range(13)]
    hues += [(255, 0, 255 - 255 * i // 6) for i in range(6)]
    return hues


def colour_by_loops(x: float, y: float, longest: float) -> list[int]:
    """Return the colour of one step, by the definition."""
    wheel = wheel_by_loops()
    place = (math.atan2(-y, -x) / math.pi + 1) / 2 * 54
    first, length = int(place), math.hypot(x, y) / longest
    part = place - first
    colour = []
    for one, other in zip(wheel[first], wheel[(first + 1) % 55], strict=True):
        level = (1 - part) * one / 255 + part * other / 255
        level = 1 - length * (1 - level) if length <= 1 else 0.75 * level
        colour.append(int(255 * level + 1e-9))
    return colour


def test_the_wheel_has_the_55_hues_of_its_definition():
    assert colour_wheel().tolist() == [list(hue) for hue in wheel_by_loops()]
    assert len({tuple(hue) for hue in colour_wheel().tolist()}) == 55


@pytest.mark.parametrize("longest", [None, 4.0])
def test_every_pixel_has_the_colour_of_its_step(longest: float | None):
    flow = np.random.default_rng(1).normal(0, 3, (7, 9, 2)).astype(np.float32)
    scale = longest or float(np.hypot(*np.moveaxis(flow.astype(np.float64), -1, 0)).max())
    wanted = [[colour_by_loops(float(x), float(y), scale) for x, y in row] for row in flow]
    found = colourise_flow(flow, longest)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("step", "colour"),
    [
        ((0, 0), (255, 255, 255)),
        ((2, 0), (255, 0, 0)),
        ((4, 0), (191, 0, 0)),
        ((1, 0), (255, 127, 127)),
        ((math.nan, 0), (0, 0, 0)),
        ((0, 1e10), (0, 0, 0)),
    ],
)
def test_known_steps_have_their_colours(step: tuple[float, float], colour: tuple[int, int, int]):
    assert colourise_flow(np.array([[step]]), 2.0)[0, 0].tolist() == list(colour)


def test_no_motion_at_all_is_white():
    assert (colourise_flow(np.zeros((2, 3, 2))) == 255).all()


def test_unknown_pixels_do_not_count_for_the_longest_step():
    flow = np.array([[[1.0, 0.0], [np.nan, np.nan], [1e10, 1e10]]])
    assert colourise_flow(flow).tolist() == [[[255, 0, 0], [0, 0, 0], [0, 0, 0]]]


def test_a_longest_step_of_nothing_is_refused():
    with pytest.raises(ValueError, match="longest_px=0"):
        colourise_flow(np.zeros((2, 2, 2)), 0)


def test_the_key_shows_each_direction_at_its_place():
    key = flow_key(51)
    assert key.shape == (51, 51, 3)
    assert key[25, 25].tolist() == key[0, 0].tolist() == [255, 255, 255]
    assert key[25, 50].tolist() == [255, 0, 0]
    assert key[37, 25].tolist() == colour_by_loops(0.0, 2 * 37 / 50 - 1, 1.0)
