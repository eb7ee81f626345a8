"""`Inference`: images of any size to labels through one trace, and what it is given and gives."""

import keras
import numpy as np
import pytest

import roadseg
from roadseg import label_tables
from roadseg.errors import RoadsegError
from roadseg.inference.averaging import averaged_logits
from roadseg.inference.class_logits import ModelLogits
from roadseg.inference.images import at_height, picked
from roadseg.inference.inference import Inference
from roadseg.label_tables.label_table import LabelTable
from roadseg.models.legal_sizes import padded_to_legal
from roadseg.recipe.protocol import Protocol
from roadseg.sampling import SampledSegmenter
from tests.models.every_network import CLASSES, NAMES, plain_network
from tests.support import on_tensorflow

QUICK = ("deeplabv3_mobilenet_v2", "padded", "sampled")
"""One for any size, one that takes multiples of 8, and one behind sampling."""
SIZES = ((64, 96), (67, 93), (64, 128), (128, 96), (64, 96))
TABLE = LabelTable(
    name="three",
    names=("road", "car", "person"),
    colours=((128, 64, 128), (0, 0, 142), (220, 20, 60)),
)


def noise(size: tuple[int, int], batch: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (batch, *size, 3), np.uint8)


def colours(extra: int = 0) -> keras.Model:
    """Return a network whose logits are red, green, blue, and -1 for each of `extra` outputs."""
    images = keras.Input((None, None, 3), name="image")
    kernel = np.concatenate([np.eye(3), np.zeros((3, extra))], axis=1)[None, None]
    layer = keras.layers.Conv2D(3 + extra, 1, name="logits")
    logits = layer(images)
    layer.set_weights([kernel, np.array([0] * 3 + [-1] * extra)])
    return keras.Model(images, logits, name="colours")


def wrapped(name: str) -> Inference:
    """Return what labels with the network `name`, or with one of QUICK."""
    table = label_tables.get("cityscapes")
    if name == "sampled":
        network = SampledSegmenter(colours(CLASSES - 3), "uniform", size=(32, 48))
        return Inference(network, table)
    if name == "padded":
        keras.utils.set_random_seed(3)
        return Inference(padded_to_legal(roadseg.create("espnet_c", CLASSES, p=1, q=1)), table)
    return Inference(padded_to_legal(plain_network(name)), table)


@on_tensorflow
@pytest.mark.parametrize(
    "name",
    [
        *QUICK,
        *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES if name not in QUICK),
    ],
)
def test_sizes_in_any_order_give_what_a_fresh_object_gives_from_one_trace(name):
    inference = wrapped(name)
    for seed, size in enumerate(SIZES):
        image = noise(size, seed=seed)
        found, fresh = inference(image, confidence=True), wrapped(name)(image, confidence=True)
        assert found.labels.shape == (1, *size) and found.labels.dtype == np.int32
        np.testing.assert_array_equal(found.labels, fresh.labels)
        np.testing.assert_allclose(found.confidence, fresh.confidence, rtol=1e-5)
        logits = inference.predict_logits(image)
        assert logits.shape == (1, *size, CLASSES) and logits.dtype == np.float32
        if name != "sampled":  # whose labels may skip what is plain beforehand
            np.testing.assert_array_equal(logits.argmax(-1), found.labels)
    assert inference.trace_count == 1


def test_the_batch_axis_comes_back_as_it_came():
    inference = Inference(colours(), TABLE)
    one = noise((5, 7))[0]
    found = inference(one, confidence=True)
    assert found.labels.shape == found.confidence.shape == (5, 7) and found.locations is None
    assert inference.predict_logits(one).shape == (5, 7, 3)
    np.testing.assert_array_equal(found.labels, one.argmax(-1))
    both = inference(np.stack([one, one[::-1]]))
    np.testing.assert_array_equal(both.labels, [found.labels, found.labels[::-1]])
    assert both.confidence is None


def test_confidence_is_the_share_of_the_best_class():
    pixel = np.full((1, 1, 3), (1, 3, 2), np.uint8)
    shares = np.exp([1, 3, 2]) / np.exp([1, 3, 2]).sum()
    found = Inference(colours(), TABLE).predict_confidence(pixel)
    np.testing.assert_allclose(found, [[shares[1]]], rtol=1e-6)


def test_an_output_that_is_no_class_is_ignored():
    inference = Inference(colours(extra=1), TABLE)
    inference.model.get_layer("logits").bias.assign([0, 0, 0, 300])
    image = noise((4, 4))
    assert set(inference.predict_labels(image).ravel()) == {255}
    assert inference.predict_logits(image).shape == (1, 4, 4, 4)


def test_locations_are_those_of_the_sampler():
    found = Inference(SampledSegmenter(colours(), "uniform", size=(3, 4)), TABLE)(noise((9, 16)))
    assert found.locations.shape == (1, 12, 2)
    assert found.locations.min() >= 0 and found.locations.max() <= 1


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4), np.uint8), r"shape \(4, 4\).*one channel three times"),
        (np.zeros((4, 4, 1), np.uint8), "one channel three times"),
        (np.zeros((4, 4, 4), np.uint8), r"RGBA, give image\[\.\.\., :3\]"),
        (np.zeros((3, 4, 5), np.uint8), "check the order of its axes"),
        (np.zeros((0, 4, 3), np.uint8), "nothing in it"),
        (np.full((4, 4, 3), 0.5), "floats up to 0.5: .* multiply it by 255"),
        (np.full((4, 4, 3), 256), "from 256 to 256: wanted 0..255; bring it there"),
        (np.full((4, 4, 3), 65535, np.uint16), r"image of uint16: .* \(image >> 8\).astype"),
        (np.full((4, 4, 3), 255, np.uint16), "image of uint16: wanted 0..255"),
        (np.full((4, 4, 3), -3.0), "from -3 to -3"),
        (np.full((4, 4, 3), np.nan), "no numbers"),
        (np.ones((4, 4, 3), bool), "multiply it by 255"),
        ("street.png", "read the picture first"),
    ],
)
def test_what_is_no_image_is_refused_with_the_way_out(image, message):
    with pytest.raises(RoadsegError, match=message) as refused:
        Inference(colours(), TABLE).predict_labels(image)
    assert "\n" not in str(refused.value)


def test_whole_and_broken_numbers_up_to_255_are_the_same_image():
    inference, image = Inference(colours(), TABLE), noise((4, 6))
    wanted = inference.predict_labels(image)
    for kind in (np.int64, np.int16, np.float32, np.float16):
        np.testing.assert_array_equal(inference.predict_labels(image.astype(kind)), wanted)


def test_logits_that_are_no_numbers_are_refused_by_name():
    inference = Inference(colours(), TABLE, title="runs/street, step 7")
    inference.model.get_layer("logits").bias.assign([0, np.nan, 0])
    with pytest.raises(RoadsegError, match="runs/street, step 7: gives logits that are no"):
        inference.predict_labels(noise((4, 4)))


def test_an_overlay_has_the_size_of_its_image_and_takes_a_path():
    image = noise((30, 40))[0]
    inference = Inference(colours(), TABLE, read=lambda path: image)
    made = inference.overlay("street.png")
    assert made.shape == image.shape and made.dtype == np.uint8
    np.testing.assert_array_equal(made, inference.overlay(image, inference.predict_labels(image)))
    with pytest.raises(RoadsegError, match=r"labels of shape \(3, 3\)"):
        inference.overlay(image, np.zeros((3, 3), int))
    with pytest.raises(RoadsegError, match="an overlay is of one"):
        inference.overlay(image[None])


@pytest.mark.parametrize("way", ["opencv", "pillow"])
def test_a_protocol_shows_images_at_its_height_and_picks_pixels_of_the_labels(way):
    image = noise((20, 40))
    shown = at_height(image, 10, way)
    assert shown.shape == (1, 10, 20, 3)
    inference = Inference(colours(), TABLE, Protocol(input_height=10, input_resize=way))
    found = inference(image, confidence=True)
    small = Inference(colours(), TABLE)(shown, confidence=True)
    np.testing.assert_array_equal(found.labels, small.labels.repeat(2, 1).repeat(2, 2))
    np.testing.assert_array_equal(found.confidence, small.confidence.repeat(2, 1).repeat(2, 2))
    assert inference.predict_logits(image[0]).shape == (20, 40, 3)


def test_the_ways_of_resizing_are_the_libraries():
    import cv2
    from PIL import Image

    image = noise((20, 40))[0]
    by_pillow = Image.fromarray(image).resize((20, 10), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(at_height(image[None], 10, "pillow")[0], by_pillow)
    by_opencv = cv2.resize(image.astype(np.float32), (20, 10))
    np.testing.assert_array_equal(at_height(image[None], 10, "opencv")[0], by_opencv)
    assert at_height(image[None], 20, "pillow")[0] is not image  # the same values, as they are
    np.testing.assert_array_equal(at_height(image[None], 20, "pillow")[0], image)


def test_pixels_are_picked_at_their_centres():
    labels = np.arange(4).reshape(1, 1, 4)
    np.testing.assert_array_equal(picked(labels, (1, 8))[0, 0], [0, 0, 1, 1, 2, 2, 3, 3])
    np.testing.assert_array_equal(picked(labels, (1, 2))[0, 0], [1, 3])


def test_averaged_logits_take_the_place_of_the_network():
    inference = Inference(colours(), TABLE, title="street")
    averaged = inference.by_protocol(Protocol(scales=(0.5,)))
    image = noise((6, 8))
    found = averaged(image, confidence=True)
    logits = averaged_logits(image[0], ModelLogits(inference.model), averaged.protocol)
    np.testing.assert_array_equal(found.labels[0], logits.argmax(-1))
    np.testing.assert_allclose(averaged.predict_logits(image)[0], logits, rtol=1e-6)
    assert (found.labels != image.argmax(-1)).any()
    assert averaged.title == "street, scales0.5" and inference.title == "street"
    np.testing.assert_array_equal(inference.predict_labels(image), image.argmax(-1))


def test_the_package_names_it():
    assert roadseg.load.__module__ == "roadseg.api" and "load" in dir(roadseg)
