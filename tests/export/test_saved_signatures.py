"""SavedModels of the same functions are the same."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from roadseg.export.saved_signatures import save_signatures

COUNT = 40


def saved(folder: Path, values: np.ndarray) -> list[np.ndarray]:
    """Save a function that adds up variables of these values; return them as they are stored."""
    variables = [tf.Variable(value) for value in values]

    @tf.function(input_signature=[tf.TensorSpec((), tf.float32, name="x")], autograph=False)
    def total(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": x + tf.add_n([2.0 * variable for variable in variables])}

    save_signatures({"serving_default": total}, folder)
    stored = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    name = "weights/{}/.ATTRIBUTES/VARIABLE_VALUE"
    return [stored.get_tensor(name.format(place)) for place in range(len(values))]


def test_variables_are_stored_as_they_are_read(tmp_path: Path):
    values = np.random.default_rng(0).normal(size=COUNT).astype(np.float32)
    for place in range(3):
        np.testing.assert_array_equal(saved(tmp_path / str(place), values), values)
    (result,) = (
        tf.saved_model.load(str(tmp_path / "0"))
        .signatures["serving_default"](x=tf.constant(1.0))
        .values()
    )
    np.testing.assert_allclose(result, 1.0 + 2.0 * values.sum(), rtol=1e-5)
