"""Every registered network becomes a SavedModel that takes any legal size."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("SavedModels are TensorFlow's", allow_module_level=True)

import tensorflow as tf

from tests.models.every_network import NAMES, images, plain_network, scores_of, sizes
from tests.support import deeper_copies_slow

# Its three trunks of separable convolutions take a minute to trace.
SLOW = ["dfanet"]


@pytest.mark.parametrize("name", deeper_copies_slow(NAMES, SLOW))
def test_a_network_of_unknown_size_exports_and_gives_the_same_scores(name, tmp_path):
    model = plain_network(name)
    model.export(str(tmp_path / "saved"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    for size in sizes(name):
        ours = scores_of(model(images(size), training=False)).numpy()
        exported = scores_of(loaded.serve(images(size))).numpy()
        assert np.abs(exported - ours).max() <= 1e-4 * np.abs(ours).max()
