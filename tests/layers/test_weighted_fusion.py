"""Fusion in learned shares, against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from roadseg.layers.weighted_fusion import WeightedFusion
from roadseg.models.pytorch_names import reference_name
from tests.support import on_tensorflow

SHAPE = (2, 3, 5, 4)


def maps(count: int = 3) -> list[np.ndarray]:
    return list(np.random.default_rng(0).normal(size=(count, *SHAPE)).astype("float32"))


def fusion(weights: list[float]) -> WeightedFusion:
    layer = WeightedFusion(name="td.p4_w2")
    layer.build([SHAPE] * len(weights))
    layer.parameter.assign(weights)
    return layer


def test_shares_are_rectified_weights_over_their_sum_and_a_ten_thousandth():
    first, second, third = maps()
    found = ops.convert_to_numpy(fusion([0.3, -2.0, 1.2])([first, second, third]))
    expected = (0.3 * first + 1.2 * third) / (1.5 + 1e-4)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_maps_count_alike_at_first():
    found = ops.convert_to_numpy(WeightedFusion()(maps(2)))
    np.testing.assert_allclose(found, np.mean(maps(2), axis=0), rtol=1e-3, atol=1e-4)


def test_weights_that_are_all_negative_give_zeros():
    assert not ops.convert_to_numpy(fusion([-1.0, -0.5])(maps(2))).any()


def test_the_weights_bear_the_name_of_the_layer_as_a_parameter_of_a_pytorch_module_does():
    assert reference_name(fusion([1.0, 1.0]).parameter.path) == "td.p4_w2"


@pytest.mark.parametrize(
    "policy",
    ["mixed_float16", "mixed_bfloat16", pytest.param("float64", marks=on_tensorflow)],
)
def test_the_sum_comes_in_the_type_of_the_policy(policy):
    layer = WeightedFusion(dtype=policy)
    found = layer(maps(2))
    expected = keras.dtype_policies.get(policy).compute_dtype
    assert keras.backend.standardize_dtype(found.dtype) == expected
    assert layer.parameter.dtype == ("float64" if policy == "float64" else "float32")


def test_a_saved_layer_gives_the_same_sum(tmp_path):
    inputs = [keras.Input(SHAPE[1:]) for _ in range(3)]
    layer = WeightedFusion(name="fusion")
    model = keras.Model(inputs, layer(inputs))
    layer.parameter.assign([0.2, 0.9, 0.4])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(maps()), loaded(maps()))
