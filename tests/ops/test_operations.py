"""Operations in a graph of tf.data while Keras runs on another backend: the same values."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from roadseg.losses.edges import edge_maps
from roadseg.ops import backend, operations
from roadseg.ops.cubic import resize_cubic
from roadseg.ops.resize import resize_bilinear, resize_nearest


@pytest.fixture(autouse=True)
def another_backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let Keras's own operations not be used in graphs, as on JAX."""
    if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        monkeypatch.setattr(
            operations, "graph_elsewhere", lambda: tf if tf.inside_function() else None
        )
    yield


RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 255, (2, 9, 14, 3)).astype(np.uint8)
LABELS = RANDOM.integers(0, 4, (2, 20, 30)).astype(np.uint8)
CASES: dict[str, tuple[Callable[..., Any], np.ndarray]] = {
    "bilinear": (lambda x, size: resize_bilinear(x, size), IMAGES),
    "half_pixel": (lambda x, size: resize_bilinear(x, size, "half_pixel"), IMAGES),
    "nearest": (lambda x, size: resize_nearest(x, size, "half_pixel"), IMAGES),
    "cubic": (lambda x, size: resize_cubic(x, size), IMAGES),
    "edges": (lambda x, size: edge_maps(x, margin=2), LABELS),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_a_graph_of_tf_data_gives_what_keras_gives(name: str, known: bool) -> None:
    function, values = CASES[name]
    expected = np.asarray(function(values, (6, 21)))
    used = []

    def element(x: Any) -> Any:
        size = (6, 21) if known else tuple(tf.unstack(tf.constant([6, 21])))
        used.append(operations.graph_elsewhere())
        return function(x[None], size)[0]

    signature = tf.TensorSpec(values.shape[1:] if known else [None] * (values.ndim - 1), tf.uint8)
    images = tf.data.Dataset.from_generator(lambda: values, output_signature=signature)
    found = np.stack(list(images.map(element).as_numpy_iterator()))
    assert used == [tf]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
    assert found.dtype == expected.dtype


def test_on_tensorflow_keras_has_its_own_way_in_graphs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "graph_elsewhere", backend.graph_elsewhere)
    monkeypatch.setattr(backend.keras.backend, "backend", lambda: "tensorflow")
    found = []
    tf.function(lambda: found.append(operations.graph_elsewhere()), autograph=False)()
    assert found == [None]
