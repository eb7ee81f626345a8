"""Semantics Sharing's warps between the views, and its cost volume, on whatever is stored."""

import numpy as np
import pytest
from keras import ops

from roadseg.layers.homography import WarpByHomography
from roadseg.ops.correlation import cost_volume
from roadseg.ops.flow import warp_by_flow
from roadseg.two_cameras.rig import find_rig
from tests.parity.semshare_cases import PRECISIONS, check, computed_in, fixtures, inputs_of
from tests.support import Fixture

FIXTURES = [Fixture.load(path) for path in fixtures("correlation", "warp")]
WARPS = [fixture for fixture in FIXTURES if "matrices" in fixture.meta]
OUTPUTS = [(fixture, output) for fixture in FIXTURES for output in fixture.meta["outputs"]]
INTO = {"120_60": "narrow", "60_120": "wide"}


def loose_warp(fixture: Fixture, direction: str) -> WarpByHomography:
    rig, into = find_rig(), INTO[direction]
    cameras = (rig.wide, rig.narrow) if into == "wide" else (rig.narrow, rig.wide)
    native = [(camera.height, camera.width) for camera in cameras]
    return WarpByHomography(rig.sampling_matrix(into), stretched=native)


def tight_warp(fixture: Fixture, direction: str) -> WarpByHomography:
    rig, scales = find_rig(), fixture.meta["arguments"]["tight"]["directions"][direction]
    camera = getattr(rig, INTO[direction])
    size = (int(camera.height * scales["scale_h"]), int(camera.width * scales["scale_w"]))
    return WarpByHomography(rig.sampling_matrix(INTO[direction]), size)


def ours(fixture: Fixture, name: str) -> np.ndarray:
    """Return what we make of the stored inputs, NHWC."""
    inputs = {key: ops.convert_to_tensor(array) for key, array in inputs_of(fixture).items()}
    if name.startswith("cost_volume"):
        search_range = fixture.meta["arguments"]["search_range"]
        costs = cost_volume(inputs["first"], inputs["second"], search_range)
        sums = 1 if name.endswith("normalised") else inputs["first"].shape[-1]
        return ops.convert_to_numpy(costs * sums)
    kind, _, direction = name.partition("_")
    if kind == "flow":
        sign = {"plus": 1, "minus": -1}[direction]
        return ops.convert_to_numpy(warp_by_flow(inputs["features"], inputs["flow"], sign))
    layer = {"loose": loose_warp, "tight": tight_warp}[kind](fixture, direction)
    return ops.convert_to_numpy(layer(inputs["features"]))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    ("fixture", "output"),
    OUTPUTS,
    ids=lambda value: value.path.stem if isinstance(value, Fixture) else value["name"],
)
def test_an_operation_agrees_with_the_original(fixture, output, precision):
    with computed_in(precision):
        if precision == "float64":
            fixture = Fixture(
                fixture.path,
                {
                    key: array.astype(precision) if key.startswith("input/") else array
                    for key, array in fixture.arrays.items()
                },
                fixture.meta,
            )
        check(fixture, output, ours(fixture, output["name"]), precision)


@pytest.mark.parametrize("fixture", WARPS, ids=lambda fixture: fixture.path.stem)
def test_the_published_rig_gives_the_matrices_of_the_original(fixture):
    loose = fixture.meta["arguments"]["loose"]
    size = (loose["height"], loose["width"])
    rig, found = find_rig(), {}
    for name in fixture.meta["matrices"]:
        # The loose one is the homography itself, the others are what is applied.
        is_loose = name.startswith("loose")
        into = "wide" if is_loose else INTO[name.removeprefix("tight_")]
        found[name] = rig.sampling_matrix(into, size=size if is_loose else None)
    for name, matrix in fixture.meta["matrices"].items():
        np.testing.assert_allclose(found[name], matrix, rtol=0, atol=1e-12)
