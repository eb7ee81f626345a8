"""Values that no network computes with are refused by the name of their array."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import roadseg
from roadseg.errors import RoadsegError
from roadseg.layers.introspection import weights
from tests.weights.originals import assign


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return roadseg.create("espnet_c", 3, p=1, q=1)


def arrays(network: keras.Model) -> dict[str, np.ndarray]:
    return {path: np.asarray(variable) for path, (_, variable) in weights(network).items()}


@pytest.mark.parametrize(
    ("ending", "changed", "message"),
    [
        ("kernel", lambda a: a.astype(np.int8), "' is of type int8; take a checkpoint of plain"),
        ("kernel", lambda a: a.astype(bool), "' is of type bool; take"),
        ("kernel", lambda a: a.astype(np.complex64), "' is of type complex64; take"),
        ("moving_variance", lambda a: a - 2, "moving_variance' holds -1, below 0, which is no var"),
        ("gamma", lambda a: a * np.inf, "gamma' holds inf"),
    ],
)
def test_a_value_of_another_kind_is_refused_and_nothing_is_set(
    network: keras.Model, ending: str, changed: Any, message: str
) -> None:
    before = arrays(network)
    name = next(path for path in before if path.endswith(ending))
    given = {path: array * 0 + 1 for path, array in before.items()}
    with pytest.raises(RoadsegError, match=f"^x.npz: '{name.split('/')[0]}.*{message}"):
        assign(network, {**given, name: changed(given[name])}, "x.npz")
    for path, array in arrays(network).items():
        np.testing.assert_array_equal(array, before[path])


@pytest.mark.parametrize("kind", [np.float16, np.float64, ">f4"])
def test_floats_of_every_width_and_order_are_taken(network: keras.Model, kind: Any) -> None:
    given = {path: array.astype(kind) for path, array in arrays(network).items()}
    assign(network, given, "x.npz")
    for path, array in arrays(network).items():
        np.testing.assert_allclose(array, given[path].astype(np.float32), rtol=1e-3)


def test_the_folder_is_named(tmp_path: Path) -> None:
    from roadseg.runs.import_command import main

    path = tmp_path / "q.npz"
    np.savez(
        path, **{k: v.astype(np.int8) for k, v in arrays(roadseg.create("fast_scnn", 3)).items()}
    )
    with pytest.raises(RoadsegError, match="q.npz: '.*' is of type int8"):
        main(
            [
                str(path),
                "--model",
                "fast_scnn",
                "--num-classes",
                "3",
                "--to",
                str(tmp_path / "o.npz"),
            ]
        )
    assert not (tmp_path / "o.npz").exists()
