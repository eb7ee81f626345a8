"""Semantics Sharing's fixtures by what they hold, and our networks run as they say."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from roadseg.models.registry import MODELS
from tests.ops.gradients import float64
from tests.parity.test_networks import stored
from tests.parity.torch_networks import Values, image
from tests.parity.weights import set_parameters
from tests.support import Fixture, parity_fixtures

# How the names of fixtures go on after `semshare-`; a longer one stands before what it begins with.
KINDS = (
    "correlation",
    "ffm",
    "flow-losses",
    "loosely",
    "mobilenetv3",
    "pwcnet-mobilenetv3",
    "pwcnet",
    "tightly",
    "warp",
)
ABSENT = "its licence allows research alone, so its fixtures lie beside the project, not here"
PRECISIONS = ("float32", "float64")


def kind_of(path: Path) -> str | None:
    """Return what a fixture of this name holds, one of KINDS."""
    name = path.stem.removeprefix("semshare-")
    return next((kind for kind in KINDS if name.startswith(kind)), None)


def fixtures(*kinds: str) -> list[Path]:
    """Return the fixtures of these kinds; skip the module that asks where there are none."""
    found = [path for path in parity_fixtures("semshare-*.npz") if kind_of(path) in kinds]
    if not found:
        names = ", ".join(f"semshare-{kind}*.npz" for kind in kinds)
        pytest.skip(f"no {names}: {ABSENT}", allow_module_level=True)
    return found


@contextlib.contextmanager
def computed_in(precision: str) -> Iterator[None]:
    """Build and run what is inside in this type."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        with float64() if precision == "float64" else contextlib.nullcontext():
            yield
    finally:
        keras.config.set_dtype_policy(before)


def give_weights(
    model: keras.Model, fixture: Fixture, network: str, others: tuple[str, ...] = ()
) -> None:
    """Give `model` the fixture's weights, every one but those of parts that are left out here.

    others: how the names of further ones begin that are some other model's.
    """
    entry = MODELS[network]
    set_parameters(
        model,
        fixture,
        entry.original.reference_name,
        allowed=(*entry.original.unused_in_original, *others),
    )


def inputs_of(fixture: Fixture) -> dict[str, np.ndarray]:
    """Return the stored inputs by name, NHWC."""
    return {
        key.removeprefix("input/"): array.transpose(0, 2, 3, 1)
        for key, array in fixture.arrays.items()
        if key.startswith("input/")
    }


def two_images(fixture: Fixture, names: tuple[str, str]) -> dict[str, np.ndarray]:
    """Return the six planes of the fixture's input as two images, NHWC."""
    planes = image(fixture)
    return {names[0]: planes[..., :3], names[1]: planes[..., 3:]}


def run(model: keras.Model, inputs: Any, outputs: dict[str, Any]) -> Values:
    """Return tensors of `model` by name; compiled, so that no more is held than has to be."""
    found = keras.Model(model.input, outputs).predict_on_batch(inputs)
    return {name: np.asarray(value) for name, value in found.items()}


def check(fixture: Fixture, output: dict, value: np.ndarray, precision: str = "float32") -> float:
    """Compare an NHWC value with the stored one, and return the error.

    Relative to the largest magnitude of the whole map. In float64 a right port is as far off as
    the original's float32 was from its own float64, where the fixture says how far.
    """
    ours, theirs = stored(fixture, output, value)
    assert ours.shape == theirs.shape and str(ours.dtype) == precision
    error = float(np.abs(ours - theirs).max() / output.get("max", np.abs(theirs).max()))
    bound = fixture.meta["tolerance"]
    deviation = fixture.meta.get("float32_deviation", {}).get(output["name"])
    if precision == "float64" and deviation is not None:
        bound = min(bound, max(10 * deviation, 1e-6))
    print(f"{fixture.path.stem} {output['name']} {precision}: {error:.2e}")
    assert error <= bound, f"{output['name']}: {error:.2e}"
    return error
