import keras
import numpy as np
import pytest
from keras import ops

from roadseg.layers.flow_alignment import (
    Blend,
    ChannelMeanAndMaximum,
    flow_alignment,
    gated_flow_alignment,
)
from roadseg.layers.flow_warp import FlowWarp
from roadseg.ops.resize import resize_bilinear
from roadseg.ops.warp import flow_warp
from tests.ops.gradients import check_gradients
from tests.support import on_tensorflow

CHANNELS = 6
GATES = ["pooled", "convolution"]


def maps(*sizes: tuple[int, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(2, *size, CHANNELS)).astype("float32") for size in sizes]


def network(gate: str | None = None, align_corners: bool = True) -> keras.Model:
    """Return the module over maps of any size, [fine, coarse]; without a gate the plain one."""
    keras.utils.set_random_seed(1)
    wide = keras.config.dtype_policy().variable_dtype
    fine, coarse = (keras.Input((None, None, CHANNELS), dtype=wide) for _ in range(2))
    if gate is None:
        aligned = flow_alignment(fine, coarse, "fam", align_corners)
    else:
        aligned = gated_flow_alignment(fine, coarse, "fam", gate, align_corners)
    return keras.Model([fine, coarse], aligned)


def clear(model: keras.Model, *names: str) -> None:
    """Set kernels to zero."""
    for name in names:
        kernel = model.get_layer(f"fam.{name}").kernel
        kernel.assign(np.zeros(kernel.shape))


def value(model: keras.Model, layer: str, inputs: list[np.ndarray]) -> np.ndarray:
    found = keras.Model(model.input, model.get_layer(f"fam.{layer}").output)(inputs)
    return ops.convert_to_numpy(found)


def test_without_a_flow_the_coarse_map_is_enlarged_and_nothing_of_the_fine_one_added():
    fine, coarse = maps((7, 9), (4, 5))
    model = network()
    clear(model, "flow_make")
    np.testing.assert_allclose(model([fine, coarse]), resize_bilinear(coarse, (7, 9)), atol=2e-6)


def test_what_is_warped_is_the_coarse_map_itself_along_the_flow_that_both_make():
    inputs = maps((7, 9), (4, 5))
    model = network(align_corners=False)
    flow = value(model, "flow_make", inputs)
    assert flow.shape == (2, 7, 9, 2)
    expected = flow_warp(inputs[1], flow, align_corners=False)
    np.testing.assert_array_equal(model(inputs), expected)
    joined = value(model, "concatenated", inputs)
    projected = value(model, "down_h", inputs)
    np.testing.assert_array_equal(joined[..., :3], resize_bilinear(projected, (7, 9)))
    np.testing.assert_array_equal(joined[..., 3:], value(model, "down_l", inputs))


@pytest.mark.parametrize("gate", GATES)
def test_a_gate_of_zeros_takes_half_of_either_map(gate):
    fine, coarse = maps((6, 8), (3, 3))
    model = network(gate)
    clear(model, "flow_make", "flow_gate.0")
    expected = 0.5 * resize_bilinear(coarse, (6, 8)) + 0.5 * fine
    np.testing.assert_allclose(model([fine, coarse]), expected, atol=2e-6)


def test_the_first_flow_moves_the_coarse_map_and_the_gate_is_its_share():
    fine, coarse = maps((6, 8), (3, 3))
    model = network("pooled")
    flow = value(model, "flow_make", [fine, coarse])
    share = value(model, "flow_gate.1", [fine, coarse])
    first, second = flow_warp(coarse, flow[..., :2]), flow_warp(fine, flow[..., 2:])
    expected = share * first + (1 - share) * second
    assert 0 < share.min() < share.max() < 1
    np.testing.assert_allclose(model([fine, coarse]), expected, atol=1e-6)


def test_the_pooled_gate_sees_means_before_maxima_and_the_fine_map_unprojected():
    inputs = maps((6, 8), (3, 3))
    model = network("pooled")
    projected = value(model, "up", inputs)
    expected = [
        projected.mean(-1),
        inputs[0].mean(-1),
        projected.max(-1),
        inputs[0].max(-1),
    ]
    np.testing.assert_allclose(
        value(model, "pooled", inputs), np.stack(expected, axis=-1), atol=1e-6
    )


@pytest.mark.parametrize("gate", [None, *GATES])
def test_a_saved_module_gives_the_same_map(gate, tmp_path):
    inputs, model = maps((7, 9), (4, 5)), network(gate, align_corners=False)
    model.save(tmp_path / "module.keras")
    again = keras.saving.load_model(tmp_path / "module.keras")
    np.testing.assert_array_equal(again(inputs), model(inputs))


@on_tensorflow
@pytest.mark.parametrize("gate", [None, *GATES])
def test_gradients_in_both_maps_are_those_of_finite_differences(gate):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        model = network(gate)
    finally:
        keras.config.set_dtype_policy(before)
    weights = np.random.default_rng(2).normal(size=(2, 5, 6, CHANNELS))
    inputs = [x.astype("float64") for x in maps((5, 6), (3, 4))]
    check_gradients(lambda *x: ops.sum(model(list(x)) * weights), inputs, probes=8)


def test_layers_tell_their_shapes_before_they_run():
    fine, coarse, flow = (
        keras.Input((9, 11, CHANNELS)),
        keras.Input((3, 4, CHANNELS)),
        keras.Input((None, 5, 2)),
    )
    assert FlowWarp()([coarse, flow]).shape == (None, None, 5, CHANNELS)
    assert ChannelMeanAndMaximum()([fine, fine]).shape == (None, 9, 11, 4)
    assert Blend()([fine, fine, fine]).shape == (None, 9, 11, CHANNELS)


def test_another_gate_or_convention_is_refused():
    with pytest.raises(ValueError, match="gate='soft'; there are pooled and convolution"):
        network("soft")
    with pytest.raises(ValueError, match="align_corners='half_pixel'; a flow warp takes True or"):
        FlowWarp("half_pixel")
