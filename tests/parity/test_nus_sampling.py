"""From the auxiliary network's grid to pixels, step by step as published."""

import numpy as np
import pytest

from roadseg.models.nus_sampler import nus_sampler
from roadseg.models.slim_names import sampler_reference_name
from roadseg.sampling import enlarge, pixel_indices, project
from tests.parity.weights import set_parameters
from tests.support import Fixture, load_rule, parity_fixtures

# The fixtures give every weight.
pytestmark = pytest.mark.usefixtures("kernels_of_zeros")

FIXTURES = [Fixture.load(path) for path in parity_fixtures("nus-aux*.npz")]
REACH_PX = 3e-3  # how near to a half a position is that our float32 network may round otherwise
each_fixture = pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.path.stem)


def stored(fixture: Fixture, name: str) -> np.ndarray:
    """Return an output in NHWC."""
    return np.transpose(fixture.arrays[f"output/{name}"], (0, 2, 3, 1))


def outputs(fixture: Fixture, start: str) -> list[tuple[str, int, int]]:
    """Return (name, points a side, stride kept) of the outputs whose name begins with `start`."""
    return [
        (output["name"], output["shape"][2], output["stride"])
        for output in fixture.meta["outputs"]
        if output["name"].startswith(start)
    ]


def small_grid(fixture: Fixture) -> np.ndarray:
    """Return mean_locations + 0.1 * shifts from the stored shifts."""
    mean = next(v for k, v in fixture.arrays.items() if k.endswith("mean_locations"))
    return mean + np.float32(0.1) * stored(fixture, "shifts")


@each_fixture
def test_projection_is_the_published_one(fixture: Fixture) -> None:
    found = np.asarray(project(small_grid(fixture)))
    np.testing.assert_allclose(found, stored(fixture, "small/normalised"), rtol=0, atol=1e-6)


@each_fixture
def test_enlargement_is_the_published_one(fixture: Fixture) -> None:
    for name, points, stride in outputs(fixture, "small/resized"):
        larger = np.asarray(enlarge(stored(fixture, "small/normalised"), points))
        kept = larger[:, ::stride, ::stride]
        np.testing.assert_allclose(kept, stored(fixture, name), rtol=0, atol=1e-6)


@each_fixture
def test_pixels_of_the_stored_locations_are_the_published_ones(fixture: Fixture) -> None:
    for name, side, source in pixel_outputs(fixture):
        found = np.asarray(pixel_indices(stored(fixture, source), (side, side)))
        np.testing.assert_array_equal(found, stored(fixture, name))


@each_fixture
def test_pixels_from_our_own_network_differ_only_next_to_a_half(fixture: Fixture) -> None:
    constructor, size = fixture.meta["constructor"], tuple(fixture.meta["input_shape"][2:])
    model = nus_sampler(
        size, constructor["output_stride"], constructor["depth_multiplier"],
        include_preprocessing=False,
    )  # fmt: skip
    set_parameters(model, fixture, sampler_reference_name)
    image = load_rule().image(*size, 3, fixture.meta["salt"]).transpose(0, 2, 3, 1)
    raw = np.asarray(model(image, training=False))
    mean = next(v for k, v in fixture.arrays.items() if k.endswith("mean_locations"))
    grid = project(mean + np.float32(0.1) * (raw - mean))
    for name, side, source in pixel_outputs(fixture):
        points, stride = next(
            (points, stride) for found, points, stride in outputs(fixture, source)
        )
        larger = np.asarray(enlarge(grid, points))[:, ::stride, ::stride]
        found, published = np.asarray(pixel_indices(larger, (side, side))), stored(fixture, name)
        position = stored(fixture, source).astype(np.float64) * (side - 1)
        to_half = np.abs(position - np.floor(position) - 0.5)
        different = found != published
        assert different.mean() <= 4 / 2048
        assert np.all(to_half[different] <= REACH_PX)
        assert np.all(np.abs(found - published)[different] == 1)


def pixel_outputs(fixture: Fixture) -> list[tuple[str, int, str]]:
    """Return (name, image side, name of the locations) of each stored output of pixel indices."""
    found = []
    for name, _, _ in outputs(fixture, "small/pixels"):
        side, points = name.removeprefix("small/pixels").split("_from")
        found.append((name, int(side), f"small/resized{points}"))
    assert found
    return found
