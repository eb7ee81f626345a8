"""What every network of two cameras must do: two images in, two maps of logits out."""

from functools import lru_cache

import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from roadseg.errors import RoadsegError
from roadseg.layers.introspection import count_parameters
from roadseg.losses.cross_entropy import cross_entropy
from roadseg.models.registry import MODELS
from roadseg.models.two_cameras import CAMERAS, intermediate
from roadseg.weights.read import original_of
from tests.models.every_network import gradients_on, images
from tests.support import weights_of_zeros
from tests.weights.originals import assign, published, values

CLASSES = 6
SIZE, ODD = (192, 288), (181, 267)
every_network = pytest.mark.parametrize("name", roadseg.list_models("two_cameras"))
# Untrained, these make flows of thousands of pixels, which leave nothing to be seen.
TAMED = {"feature_pyramid_extractor.Feature.Lv0.0.0/kernel": 256, "convs.5/kernel": 32}


def network(name: str, **options) -> keras.Model:
    """Return a new network for images of any size, its flows within the view.

    Fewer displacements than by default make its graph, and the tests, so much smaller.
    """
    keras.utils.set_random_seed(5)
    small = {**MODELS[name].any_size_options, "search_range": 1}
    model = roadseg.create(name, CLASSES, **{**small, **options})
    for variable in model.variables:
        for ending, divisor in TAMED.items():
            if variable.path.endswith(ending):
                variable.assign(variable / divisor)
    return model


def pair(size: tuple[int, int], narrow: tuple[int, int] | None = None, batch: int = 1) -> dict:
    return {"wide": images(size, batch), "narrow": 255 - images(narrow or size, batch)}


def as_arrays(outputs: dict) -> dict[str, np.ndarray]:
    return {name: ops.convert_to_numpy(value) for name, value in outputs.items()}


def loss_of(outputs: dict):
    """Return the mean cross entropy of both cameras with random labels."""
    total = 0.0
    for view in CAMERAS:
        labels = np.random.default_rng(1).integers(0, CLASSES, tuple(outputs[view].shape[:3]))
        total += cross_entropy(outputs[view], labels)[0] / labels.size
    return total


@pytest.fixture(scope="module", params=roadseg.list_models("two_cameras"))
def model(request) -> keras.Model:
    return network(request.param)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [(SIZE, SIZE), (ODD, ODD), (SIZE, (160, 240))],
    ids=["even", "odd", "unlike"],
)
def test_logits_come_at_the_size_of_each_views_image(model, wide, narrow):
    logits = as_arrays(model(pair(wide, narrow, batch=2), training=False))
    assert {view: array.shape for view, array in logits.items()} == {
        "wide": (2, *wide, CLASSES),
        "narrow": (2, *narrow, CLASSES),
    }
    assert all(np.isfinite(array).all() for array in logits.values())


@lru_cache(maxsize=2)
def trained(name: str) -> keras.Model:
    """Return a network whose running statistics tests may move."""
    return network(name)


@every_network
def test_each_view_has_a_say_in_the_logits_of_both(name):
    # By the statistics of the batch: those of an untrained network leave almost nothing.
    model, images_of = trained(name), pair(SIZE)
    before = as_arrays(model(images_of, training=True))
    for changed in CAMERAS:
        other = {**images_of, changed: images_of[changed][:, ::-1]}
        after = as_arrays(model(other, training=True))
        for view in CAMERAS:
            assert np.abs(after[view] - before[view]).max() > 1e-2 * np.abs(before[view]).max()


def test_what_is_computed_on_the_way_can_be_asked_for(model):
    found = as_arrays(intermediate(model)(pair(SIZE), training=False))
    logits = as_arrays(model(pair(SIZE), training=False))
    assert all((found[view] == logits[view]).all() for view in CAMERAS)
    height, width = found["flow"].shape[1:3]
    assert (height, width) == (SIZE[0] * 2 // 5, SIZE[1] * 2 // 5)
    assert found["logits_16"].shape == (1, SIZE[0] // 16, SIZE[1] // 16, CLASSES)
    for part in ("wide_in_narrow", "narrow_in_wide", "fused_wide", "fused_narrow"):
        assert found[part].shape[-1] == CLASSES and np.abs(found[part]).max() > 0


def test_every_weight_answers_to_a_name_of_the_original(model):
    drawn = published(model, model.name)
    before = values(model)
    try:
        assigned = assign(model, drawn, "source", original_of(model.name))
        assert len(assigned.taken) == len(drawn) == len(model.weights)
    finally:
        for variable in model.weights:
            variable.assign(before[variable.path])


def test_every_layer_with_weights_belongs_to_one_part(model):
    parts = MODELS[model.name].parts
    for variable in model.weights:
        assert sum(variable.path.startswith(begins) for begins in parts.values()) == 1


@every_network
def test_gradient_reaches_every_weight(name):
    model = trained(name)
    found = gradients_on(model, pair(SIZE, batch=2), loss_of)
    dead = [
        variable.path
        for variable, gradient in zip(model.trainable_variables, found, strict=True)
        if not np.abs(gradient).max() > 0
    ]
    assert not dead


def test_a_saved_network_gives_the_same_logits(model, tmp_path):
    before = as_arrays(model(pair(ODD), training=False))
    model.save(tmp_path / "network.keras")
    after = as_arrays(keras.saving.load_model(tmp_path / "network.keras")(pair(ODD)))
    for view in CAMERAS:
        np.testing.assert_array_equal(after[view], before[view])


@every_network
def test_logits_and_gradients_are_finite_in_half_precision(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = network(name)
    finally:
        keras.config.set_dtype_policy(before)
    logits = model(pair(SIZE), training=False)
    for view in CAMERAS:
        assert keras.backend.standardize_dtype(logits[view].dtype) == "float32"
        assert np.isfinite(ops.convert_to_numpy(logits[view])).all()
    found = gradients_on(model, pair(SIZE, batch=2), lambda outputs: loss_of(outputs) / 64)
    assert all(np.isfinite(gradient).all() for gradient in found)


@every_network
def test_parameters_are_counted_for_any_number_of_classes(name):
    with weights_of_zeros():
        assert count_parameters(roadseg.create(name, 19)) == MODELS[name].parameters


@every_network
def test_images_too_small_for_the_heads_windows_are_refused_with_the_least_size(name):
    with weights_of_zeros():
        model = roadseg.create(name, CLASSES)
    with pytest.raises(RoadsegError, match="images of 769 x 769 or more.*pooling='whole'"):
        model(pair((768, 800)))


@every_network
@pytest.mark.parametrize(
    "options",
    [{"narrow_fusion": "cat"}, {"wide_fusion": "cat"}, {"geometry": "flat"}, {"scale": 1.5}],
    ids=lambda options: next(iter(options)),
)
def test_options_that_there_are_not_are_refused(name, options):
    (option,) = options
    with pytest.raises(RoadsegError, match=f"{name}: ({option}|convention)="):
        roadseg.create(name, CLASSES, **options)
