"""Warp, flow alignment, pyramid pooling and losses of SFSegNets, whatever a fixture's cases."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from roadseg.layers.flow_alignment import flow_alignment, gated_flow_alignment
from roadseg.layers.pyramid_pooling import BINS, pyramid_pooling
from roadseg.losses.criteria import Criterion, mean
from roadseg.models.pytorch_names import reference_name
from roadseg.ops.warp import flow_warp
from tests.parity.test_networks import check
from tests.parity.weights import set_parameters
from tests.support import Fixture, parity_fixtures

# The fixtures give every weight.
pytestmark = pytest.mark.usefixtures("kernels_of_zeros")

WARPS = parity_fixtures("sfnet-flow-warp*.npz")
ALIGNMENTS = parity_fixtures("sfnet-fam*.npz") + parity_fixtures("sfnet-gated-fam*.npz")
PYRAMIDS = parity_fixtures("sfnet-ppm*.npz")
LOSSES = parity_fixtures("sfnet-ohem*.npz")


def name_of(path: Path) -> str:
    return path.stem


def stored(fixture: Fixture, name: str) -> np.ndarray:
    """Return a stored map, NHWC."""
    return fixture.arrays[f"input/{name}"].transpose(0, 2, 3, 1)


def run(model: keras.Model, fixture: Fixture, *names: str) -> np.ndarray:
    """Return what `model`, whose layers stand in `module`, gives with the fixture's weights."""
    set_parameters(model, fixture, lambda path: reference_name(path).removeprefix("module."))
    maps = [stored(fixture, name) for name in names]
    return ops.convert_to_numpy(model(maps if len(maps) > 1 else maps[0], training=False))


@pytest.mark.parametrize("path", WARPS, ids=name_of)
def test_the_warp_agrees_with_the_original(path: Path) -> None:
    fixture = Fixture.load(path)
    aligned = "without aligned corners" not in fixture.meta["network"]
    for output in fixture.meta["outputs"]:
        images, flow = (stored(fixture, f"{output['name']}.{part}") for part in ("feature", "flow"))
        found = ops.convert_to_numpy(flow_warp(images, flow, align_corners=aligned))
        check(fixture, output, found)
        outside = (found == 0).mean()
        assert outside == pytest.approx(output["zero_fraction"], abs=1e-3)


def aligned(kind: str, fine: Any, coarse: Any) -> Any:
    """Return the module that the original calls `kind`."""
    if kind == "AlignedModule":
        return flow_alignment(fine, coarse, "module")
    gates: dict[str, Any] = {
        "AlignedModulev2": "convolution",
        "AlignedModulev2PoolingAtten": "pooled",
    }
    return gated_flow_alignment(fine, coarse, "module", gates[kind])


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("path", ALIGNMENTS, ids=name_of)
def test_flow_alignment_agrees_with_the_original(path: Path, known: bool) -> None:
    fixture = Fixture.load(path)
    assert fixture.meta["constructor"]["outplane"] * 2 == fixture.meta["constructor"]["inplane"]
    shapes = [stored(fixture, name).shape[1:] for name in ("low", "high")]
    maps = [keras.Input(shape if known else (None, None, shape[-1])) for shape in shapes]
    model = keras.Model(maps, aligned(fixture.meta["network"], *maps))
    check(fixture, fixture.meta["outputs"][0], run(model, fixture, "low", "high"))


@pytest.mark.parametrize("path", PYRAMIDS, ids=name_of)
def test_pyramid_pooling_agrees_with_the_original(path: Path) -> None:
    fixture = Fixture.load(path)
    arguments = fixture.meta["constructor"]
    assert tuple(arguments["sizes"]) == BINS
    x = keras.Input((None, None, arguments["features"]))
    pooled = pyramid_pooling(x, arguments["out_features"], "module", kernel_size=1)
    model = keras.Model(x, pooled)
    check(fixture, fixture.meta["outputs"][0], run(model, fixture, "feature"))


@pytest.mark.parametrize("path", LOSSES, ids=name_of)
def test_losses_agree_with_the_original(path: Path) -> None:
    fixture = Fixture.load(path)
    for output in fixture.meta["outputs"]:
        name = output["name"]
        criterion = Criterion(
            loss="ohem",
            auxiliary_loss="ohem",
            auxiliary_weight=output.get("aux_weight", 0.0),
            ohem_threshold=output["thresh"],
            ohem_min_kept=output["min_kept"],
        )
        sides = sorted(key for key in fixture.arrays if key.startswith(f"input/{name}.side"))
        heads = [f"{name}.main", *(key.removeprefix("input/") for key in sides)]
        logits = [stored(fixture, head) for head in (heads if sides else ["logits"])]
        labels = fixture.arrays[f"input/{name}.labels"]
        found = float(mean(criterion.terms(logits, labels)))
        assert found == pytest.approx(float(fixture.arrays[f"output/{name}"]), rel=1e-5), name
