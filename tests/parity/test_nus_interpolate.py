"""The native mesh agrees with the published interpolation where the triangles are no choice."""

from typing import Any

import numpy as np
import pytest

from roadseg import nus_native
from tests.parity.nus_cases import scattered_cases
from tests.support import Fixture

TOLERANCE = 2e-7  # of the largest magnitude: float32 is stored


def affine_values(locations: np.ndarray, size: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return values that are affine in the position, at `locations` and at every pixel."""
    rng = np.random.default_rng(7)
    slopes, offsets = rng.normal(size=(2, 5)), rng.normal(size=5)
    rows, columns = (np.linspace(0, 1, side) for side in size)
    pixels = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
    return locations.astype(np.float64) @ slopes + offsets, pixels @ slopes + offsets


@pytest.mark.parametrize(("fixture", "case"), scattered_cases(affine=True))
def test_uniform_samples_come_back_as_published(fixture: Fixture, case: dict[str, Any]) -> None:
    name = case["name"]
    ours = nus_native.interpolate(
        fixture.arrays[f"{name}/values"], fixture.arrays[f"{name}/locations"], case["image"]
    )
    published = fixture.arrays[f"{name}/interpolated"]
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, published, rtol=0, atol=TOLERANCE * np.abs(published).max())


@pytest.mark.parametrize(("fixture", "case"), scattered_cases(folded=False))
def test_affine_values_come_back_exactly_where_nothing_folds(
    fixture: Fixture, case: dict[str, Any]
) -> None:
    values, wanted = affine_values(fixture.arrays[f"{case['name']}/locations"], case["image"])
    largest = np.abs(wanted).max()
    for dtype, tolerance in ((np.float32, TOLERANCE), (np.float64, 1e-12)):
        ours = nus_native.interpolate(
            values.astype(dtype), fixture.arrays[f"{case['name']}/locations"], case["image"]
        )
        np.testing.assert_allclose(ours, wanted, rtol=0, atol=tolerance * largest)


@pytest.mark.parametrize(("fixture", "case"), scattered_cases())
def test_every_value_stays_within_the_samples(fixture: Fixture, case: dict[str, Any]) -> None:
    values = fixture.arrays[f"{case['name']}/values"]
    ours = nus_native.interpolate(
        values, fixture.arrays[f"{case['name']}/locations"], case["image"]
    )
    assert ours.shape == (*case["image"], case["channels"])
    assert (ours >= values.min(axis=(0, 1))).all()
    assert (ours <= values.max(axis=(0, 1))).all()


@pytest.mark.parametrize(("fixture", "case"), scattered_cases())
def test_labels_are_the_largest_channel(fixture: Fixture, case: dict[str, Any]) -> None:
    values = fixture.arrays[f"{case['name']}/values"].astype(np.float64)
    locations = fixture.arrays[f"{case['name']}/locations"]
    labels = nus_native.interpolate(values, locations, case["image"], argmax=True)
    dense = nus_native.interpolate(values, locations, case["image"])
    np.testing.assert_array_equal(labels, dense.argmax(axis=-1))
