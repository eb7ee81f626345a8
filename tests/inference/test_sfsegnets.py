"""The protocol of SFSegNets against its routine, and what its authors score of each data set."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.protocols import choose_protocol, predictor
from roadseg.eval.resizing import resize_image, resize_labels, validation_frame
from roadseg.inference.averaging import averaged_logits
from roadseg.inference.class_logits import ModelLogits
from roadseg.recipe.protocol import PROTOCOLS, Protocol
from tests.eval.runs import recipe
from tests.inference import published_sfsegnets as published
from tests.inference.published_averaging import network


def noise(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return network()


@pytest.fixture(scope="module")
def logits_of(model: keras.Model) -> ModelLogits:
    return ModelLogits(model)


@pytest.fixture(scope="module")
def original(model: keras.Model) -> published.Network:
    return published.network_of(model)


def mode(**values: Any) -> Protocol:
    """Return the protocol with other values."""
    return PROTOCOLS["sfsegnets"].replace(values)


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    assert np.ptp(expected) > 0.1, "constant logits test nothing"
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("scales", [(1.0,), (0.5,), (0.75, 1.0, 1.25), (2.0,)])
def test_whole_images_are_scored_as_published(
    scales: tuple[float, ...], flip: bool, logits_of: ModelLogits, original: published.Network
) -> None:
    image = noise((32, 48))
    expected = published.whole(image, original, scales, no_flip=not flip)
    assert_same(averaged_logits(image, logits_of, mode(scales=scales, flip=flip)), expected)


@pytest.mark.parametrize(
    ("size", "scales", "flip"),
    [
        ((32, 48), (1.0,), True),
        ((64, 88), (0.5, 1.0, 1.5), True),
        ((64, 88), (2.0,), False),
        ((12, 40), (1.0,), False),
        ((8, 12), (1.0,), True),
        ((36, 20), (1.0, 2.0), False),
    ],
)
def test_windows_are_scored_as_published(
    size: tuple[int, int],
    scales: tuple[float, ...],
    flip: bool,
    logits_of: ModelLogits,
    original: published.Network,
) -> None:
    image = noise(size)
    expected = published.sliding(image, original, scales, not flip, crop=16)
    found = averaged_logits(image, logits_of, mode(tile=16, scales=scales, flip=flip))
    assert_same(found, expected)


def test_the_overlap_of_windows_is_an_option(
    logits_of: ModelLogits, original: published.Network
) -> None:
    image = noise((32, 48))
    expected = published.sliding(image, original, (1.0,), True, crop=12, overlap=0.5)
    assert_same(averaged_logits(image, logits_of, mode(tile=12, tile_overlap=0.5)), expected)


def test_a_frame_of_cityscapes_has_four_by_two_windows_555_apart() -> None:
    assert [start for start, _ in published.window_starts(2048, 832, 1 / 3)][:3] == [0, 555, 1110]
    shape, calls = (1024, 2048), []

    class Counted:
        multiple, padding, name = 1, (0, 0, 0), "counted"

        def __call__(self, images: Any, size: tuple[int, int]) -> Any:
            calls.append((len(images), size))
            return images[..., :1]

    logits = averaged_logits(np.zeros((*shape, 3), np.uint8), Counted(), mode(tile=832))
    assert logits.shape == (*shape, 1)
    assert sum(count for count, _ in calls) == 8 and {size for _, size in calls} == {(832, 832)}


def test_sfnet_itself_is_shown_as_published() -> None:
    import roadseg

    keras.utils.set_random_seed(0)
    model = roadseg.create("sfnet_dfnet_v1", num_classes=5)

    def full_size(shown: np.ndarray) -> np.ndarray:
        """Take the image as it was before normalisation, which is the network's own first step."""
        return np.asarray(model(shown[None].astype(np.float32)))[0]

    image, chosen = noise((64, 96)), mode(tile=64, scales=(1.5,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published, "normalised", lambda shown: shown)
        expected = published.sliding(image, full_size, (1.5,), True, crop=64)
    found = averaged_logits(image, ModelLogits(model), chosen)
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_windows_are_resized_another_way_than_whole_images(logits_of: ModelLogits) -> None:
    image = noise((32, 48))
    whole, tiled = (
        averaged_logits(image, logits_of, mode(scales=(0.5,), **values))
        for values in ({}, {"tile": 100})
    )
    assert np.abs(whole - tiled).max() > 0.01


@pytest.mark.parametrize("scales", [(0.5, 1.0, 2.0), (0.5,), (2.0,)])
def test_pooling_is_as_published_but_for_its_normalisation(
    scales: tuple[float, ...], logits_of: ModelLogits, original: published.Network
) -> None:
    image = noise((32, 48))
    expected = published.pooling(image, original, scales, no_flip=False)
    chosen = mode(averaging="sfsegnets_pooling", scales=scales, flip=True)
    assert_same(averaged_logits(image, logits_of, chosen), expected)


def test_pooling_takes_any_scale(logits_of: ModelLogits) -> None:
    images = keras.Input((None, None, 3))
    flat = keras.layers.Conv2D(3, 1, kernel_initializer="zeros", bias_initializer="ones")
    constant = ModelLogits(keras.Model(images, flat(images), name="constant"))
    chosen = mode(averaging="sfsegnets_pooling", scales=(0.7, 1.3, 1.75), flip=True)
    np.testing.assert_allclose(averaged_logits(noise((29, 40)), constant, chosen), 1, rtol=1e-6)


def test_one_pass_over_the_whole_image_is_the_plain_prediction(model: keras.Model) -> None:
    image = noise((32, 48))[None]
    chosen = mode(interpolation="none")
    (pending,) = predictor(model, chosen)(image)
    assert chosen.is_whole
    labels = np.asarray(model(image.astype(np.float32)))[0].argmax(-1)
    np.testing.assert_array_equal(pending(), labels)


def test_folders_name_what_is_unusual_about_a_protocol() -> None:
    labels = [
        choose_protocol(recipe(Path("r"), sampling={"kind": "none"}), protocol, values)
        for protocol, values in (
            ("sfsegnets", {}),
            ("sfsegnets", {"tile": 832, "flip": True}),
            ("sfsegnets", {"scales": (0.5, 1.0), "averaging": "sfsegnets_pooling"}),
            ("sgcpnet", {}),
            ("sgcpnet", {"upsampling": "bilinear"}),
            ("cityscapes", {"upsampling": "bicubic"}),
            ("cityscapes", {"tile": 832, "averaging": "sfsegnets"}),
        )
    ]
    assert [chosen.label for chosen in labels] == [
        "sfsegnets",
        "sfsegnets-tile832-flip",
        "sfsegnets-sfsegnets_pooling-scales0.5_1",
        "sgcpnet",
        "sgcpnet-bilinear",
        "cityscapes-bicubic",
        "cityscapes-tile832-sfsegnets",
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"averaging": "median"},
            "--averaging median: there are fast_seg, .*_pooling",
        ),
        ({"upsampling": "nearest"}, "--upsampling nearest: there are bilinear, bicubic"),
        (
            {"averaging": "sfsegnets_pooling", "tile": 16},
            "--tile 16: .* shows whole images",
        ),
        (
            {"input_scale": 0.5},
            "--input-scale 0.5 with .* give --scales 0.5",
        ),
    ],
)
def test_values_that_make_no_sense_are_refused(values: dict, message: str) -> None:
    with pytest.raises(RoadsegError, match=message):
        mode(**values)


def test_the_square_of_mapillary_is_central_and_ignores_what_it_pads() -> None:
    prepare = validation_frame(PROTOCOLS["sfsegnets"], "mapillary65")
    assert prepare is not None
    wide, labels = noise((64, 96)), np.arange(64 * 96).reshape(64, 96).astype(np.uint8) % 65
    image, cut = prepare(wide, labels, 255)
    assert image.shape == (1536, 1536, 3) and cut.shape == (1536, 1536)
    np.testing.assert_array_equal(image, resize_image(wide, (1536, 2304), "bicubic")[:, 384:1920])
    np.testing.assert_array_equal(cut, resize_labels(labels, (1536, 2304))[:, 384:1920])
    image, cut = prepare(noise((96, 64)), np.zeros((96, 64), np.uint8), 255)
    assert (cut[:, :256] == 255).all() and (cut[:, -256:] == 255).all()
    assert not cut[:, 256:-256].any() and not image[:, :256].any() and image[:, 256:-256].any()


@pytest.mark.parametrize(("table", "size"), [("uds", (1024, 2048)), ("kitti", (376, 1242))])
def test_sets_of_many_sizes_are_scored_at_one(table: str, size: tuple[int, int]) -> None:
    prepare = validation_frame(PROTOCOLS["sfsegnets"], table)
    assert prepare is not None
    image, labels = prepare(noise((37, 124)), np.full((37, 124), 3, np.uint8), 255)
    assert image.shape[:2] == labels.shape == size and set(np.unique(labels)) == {3}


def test_other_sets_and_protocols_score_whole_frames() -> None:
    assert validation_frame(PROTOCOLS["sfsegnets"], "cityscapes") is None
    assert validation_frame(PROTOCOLS["cityscapes"], "uds") is None
