"""PWC-Net for two images and for features: sizes, gradients, files, and what its options do."""

import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from roadseg.errors import RoadsegError
from roadseg.layers.introspection import count_parameters
from roadseg.models.pwcnet import pwcnet_mobilenet_v3
from roadseg.models.registry import MODELS
from roadseg.weights.read import original_of
from tests.models.every_network import gradients_on, images
from tests.support import on_tensorflow
from tests.weights.originals import assign, published

SIZE, ODD = (128, 192), (93, 101)


def network(**options) -> keras.Model:
    keras.utils.set_random_seed(4)
    return roadseg.create("pwcnet", **options)


def pair(size: tuple[int, int], batch: int = 1) -> dict[str, np.ndarray]:
    """Return noise of 0..1: untrained, larger values give flows of thousands of pixels."""
    return {"first": images(size, batch) / 255, "second": 1 - images(size, batch) / 255}


def features(size: tuple[int, int], batch: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    found = {"second": images(size, batch) / 255}
    for stride, width in ((16, 112), (8, 40), (4, 24)):
        shape = (batch, size[0] // stride, size[1] // stride, width)
        found[f"first_{stride}"] = rng.normal(size=shape).astype("float32")
    return found


def as_arrays(flows: dict) -> dict[str, np.ndarray]:
    return {name: ops.convert_to_numpy(flow) for name, flow in flows.items()}


def square_loss(flows: dict):
    return sum(ops.mean(ops.square(flow - 0.5)) for flow in flows.values())


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return network()


@pytest.mark.parametrize("size", [SIZE, ODD], ids=["even", "odd"])
def test_flows_come_at_the_images_size_and_at_fractions_rounded_up(model, size):
    flows = as_arrays(model(pair(size, batch=2), training=False))
    expected = {"flow": (2, *size, 2)}
    for stride in (64, 32, 16, 8):
        expected[f"flow_{stride}"] = (2, *(-(-side // stride) for side in size), 2)
    assert {name: flow.shape for name, flow in flows.items()} == expected
    assert all(np.isfinite(flow).all() for flow in flows.values())


def test_flows_of_features_come_at_the_narrow_images_size():
    flows = as_arrays(pwcnet_mobilenet_v3()(features((90, 100)), training=False))
    assert {name: flow.shape[1:3] for name, flow in flows.items()} == {
        "flow_16": (6, 8),
        "flow_8": (12, 16),
        "flow_4": (24, 32),
        "flow": (90, 100),
    }


def test_both_images_go_through_the_same_pyramid(model):
    pyramids = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    assert len(pyramids) == 1
    assert count_parameters(model) == MODELS["pwcnet"].parameters


def test_swapped_factors_matter_only_where_sides_do_not_grow_alike(model):
    right = network(swapped_flow_factors=False)
    right.set_weights(model.get_weights())
    for size, same in ((SIZE, True), (ODD, False)):
        ours, other = (as_arrays(net(pair(size), training=False)) for net in (model, right))
        assert np.allclose(ours["flow"], other["flow"], rtol=1e-4, atol=1e-4) == same


def test_unaligned_sampling_reads_features_elsewhere(model):
    other = network(aligned_sampling=False)
    other.set_weights(model.get_weights())
    flows = [as_arrays(net(pair(SIZE), training=False))["flow"] for net in (model, other)]
    assert np.abs(flows[0] - flows[1]).max() > 1e-2


@pytest.mark.parametrize("build", [network, pwcnet_mobilenet_v3])
def test_gradient_reaches_every_weight(build):
    model = build()
    batch = pair(SIZE, batch=2) if build is network else features(SIZE, batch=2)
    found = gradients_on(model, batch, square_loss)
    assert all(np.abs(gradient).max() > 0 for gradient in found)


def test_every_weight_answers_to_a_name_of_the_original_and_dead_estimators_are_left_out():
    model = network()
    drawn = published(model, "pwcnet")
    assert "FlowEstimator(Lv0).convs.5.weight" in drawn
    assert "feature_pyramid_extractor.Feature(Lv5).1.0.bias" in drawn
    dead = {"FlowEstimator(Lv6).convs.5.bias": np.zeros(2)}
    assigned = assign(model, drawn | dead, "source", original_of("pwcnet"))
    assert len(assigned.taken) == len(drawn) == len(model.weights)
    assert assigned.left == tuple(dead)


def test_a_saved_network_gives_the_same_flows(model, tmp_path):
    before = as_arrays(model(pair(ODD), training=False))
    model.save(tmp_path / "network.keras")
    after = as_arrays(keras.saving.load_model(tmp_path / "network.keras")(pair(ODD)))
    for name, flow in before.items():
        np.testing.assert_array_equal(after[name], flow)


@on_tensorflow
@pytest.mark.slow
def test_a_network_of_unknown_size_exports_and_gives_the_same_flows(tmp_path):
    import tensorflow as tf

    model = network(search_range=1)  # fewer displacements make a smaller graph
    model.export(str(tmp_path / "saved"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    for size in (SIZE, ODD):
        ours = as_arrays(model(pair(size), training=False))
        for name, flow in loaded.serve(pair(size)).items():
            assert np.abs(flow - ours[name]).max() <= 1e-4 * np.abs(ours[name]).max()


def test_flows_stay_in_full_precision_and_finite_in_half_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = network(widths=(3, 8, 8, 8, 8, 8, 8))
    finally:
        keras.config.set_dtype_policy(before)
    flows = model(pair((64, 64)), training=False)
    for flow in flows.values():
        assert keras.backend.standardize_dtype(flow.dtype) == "float32"
        assert np.isfinite(ops.convert_to_numpy(flow)).all()
    found = gradients_on(model, pair((64, 64), batch=2), lambda flows: square_loss(flows) / 1024)
    assert all(np.isfinite(gradient).all() for gradient in found)


def test_a_flow_has_no_classes():
    with pytest.raises(RoadsegError, match="pwcnet finds a flow.*leave out num_classes"):
        roadseg.create("pwcnet", 19)
    with pytest.raises(RoadsegError, match="num_classes=None"):
        roadseg.create("semshare_loose")


def test_a_normalising_network_takes_0_to_255_for_what_another_takes_normalised():
    plain, own = (network(widths=(3, 4, 4, 4, 4, 4, 4), normalised=n) for n in (False, True))
    given = {name: 255 * image for name, image in pair((64, 64)).items()}
    mean, deviation = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], "float32")
    normalised = {name: (image / 255 - mean) / deviation for name, image in given.items()}
    found, expected = own(given)["flow"], plain(normalised)["flow"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
