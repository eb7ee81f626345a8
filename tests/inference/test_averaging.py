"""Tiles, scales and mirror against the published routines, written out in NumPy."""

import itertools
from typing import Any

import keras
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.protocols import averaging_predictor, predictor
from roadseg.inference.averaging import averaged_logits, check_tile
from roadseg.inference.class_logits import ModelLogits
from roadseg.inference.tiles import tile_starts, tiled_logits, visits
from roadseg.recipe.protocol import Protocol
from tests.inference import published_averaging as published

MODES = [
    Protocol(tile=16),
    Protocol(tile=12, tile_overlap=0.5),
    Protocol(scales=(0.5, 1.0, 1.25)),
    Protocol(flip=True),
    Protocol(input_scale=0.5),
    Protocol(tile=16, scales=(0.75, 1.0, 1.5), flip=True),
    Protocol(tile=16, input_scale=0.6, flip=True),
]


def noise(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return published.network()


@pytest.fixture(scope="module")
def logits_of(network: keras.Model) -> ModelLogits:
    return ModelLogits(network)


@pytest.fixture(scope="module")
def raw(network: keras.Model) -> published.Raw:
    return published.raw_of(network)


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    assert np.ptp(expected) > 0.1, "constant logits test nothing"
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())


def pointwise(outputs: int = 4, kernel: Any = "glorot_uniform") -> keras.Model:
    """Return a network that looks at one pixel at a time."""
    images = keras.Input((None, None, 3))
    logits = keras.layers.Conv2D(outputs, 1, kernel_initializer=kernel, bias_initializer="ones")
    return keras.Model(images, logits(images), name="pointwise")


@pytest.mark.parametrize(
    ("length", "starts"),
    [
        (2048, [0, 555, 1110, 1216]),
        (1024, [0, 192]),
        (832, [0]),
        (833, [0, 1]),
        (1387, [0, 555]),
        (1388, [0, 555, 556]),
        (500, [0]),
        (200, [0]),
    ],
)
def test_tiles_of_832_begin_where_they_did(length: int, starts: list[int]) -> None:
    assert tile_starts(length, 832, 1 / 3) == starts


def test_tiles_cover_every_pixel_and_end_at_the_border() -> None:
    for length, tile, overlap in itertools.product(range(1, 40), (1, 5, 12), (0, 1 / 3, 0.9)):
        starts = tile_starts(length, tile, overlap)
        seen = [index for start in starts for index in range(start, min(start + tile, length))]
        expected = np.bincount(seen, minlength=length)
        np.testing.assert_array_equal(visits(length, tile, starts), expected)
        assert expected.min() >= 1 and max(starts) == max(0, length - tile)
        assert len(set(starts)) == len(starts)


@pytest.mark.parametrize("size", [(16, 16), (32, 48), (37, 51), (12, 40), (9, 11), (16, 27)])
def test_sliding_logits_are_the_published_ones(
    size: tuple[int, int], logits_of: ModelLogits, raw: published.Raw
) -> None:
    image = noise(size)
    expected, counts = published.sliding(published.normalised(image), raw, 16)
    assert_same(averaged_logits(image, logits_of, Protocol(tile=16)), expected)
    axes = [visits(side, 16, tile_starts(side, 16, 1 / 3)) for side in size]
    np.testing.assert_array_equal(axes[0][:, None] * axes[1], counts)


def test_tiles_go_through_the_network_in_bounded_batches(
    logits_of: ModelLogits, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, batches = noise((37, 51)).astype(np.float32), []

    def counted(tiles: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        batches.append(len(tiles))
        return logits_of(tiles, size).numpy()

    whole = tiled_logits(image, counted, 16, 1 / 3, logits_of.padding)
    monkeypatch.setattr("roadseg.inference.tiles.PIXELS_AT_ONCE", 5 * 16 * 16)
    parts = tiled_logits(image, counted, 16, 1 / 3, logits_of.padding)
    assert batches == [15, 5, 5, 5]
    np.testing.assert_allclose(parts, whole, atol=1e-5)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("scales", [(1.0,), (0.5,), (0.75, 1.0, 1.25)])
def test_scales_and_mirror_are_the_published_ones(
    scales: tuple[float, ...], flip: bool, logits_of: ModelLogits, raw: published.Raw
) -> None:
    image = noise((32, 48))
    expected = published.multi_scale(published.normalised(image), raw, scales, flip)
    found = averaged_logits(image, logits_of, Protocol(scales=scales, flip=flip))
    assert_same(found, expected)


@pytest.mark.parametrize(("size", "factor"), [((32, 48), 0.5), ((35, 52), 0.7), ((20, 28), 1.6)])
def test_a_size_factor_predicts_as_the_published_script(
    size: tuple[int, int], factor: float, logits_of: ModelLogits, raw: published.Raw
) -> None:
    image = noise(size)
    expected = published.prediction(published.normalised(image), raw, factor)
    assert_same(averaged_logits(image, logits_of, Protocol(input_scale=factor)), expected)


def test_a_scaled_image_that_the_network_does_not_take_is_refused(logits_of: ModelLogits) -> None:
    with pytest.raises(RoadsegError, match="image of 24x35: strided takes multiples of 4; .* 35"):
        averaged_logits(noise((35, 50)), logits_of, Protocol(input_scale=0.7))


def test_scales_round_as_zoom_does_and_size_rounds_down() -> None:
    assert Protocol(scales=(0.75, 0.5)).sizes((1025, 2046)) == [(769, 1534), (512, 1023)]
    assert Protocol(input_scale=0.75).sizes((1025, 2046)) == [(768, 1534)]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.label)
def test_a_constant_network_gives_its_constant_in_every_mode(mode: Protocol) -> None:
    logits = averaged_logits(noise((29, 40)), ModelLogits(pointwise(3, "zeros")), mode)
    assert logits.shape == (29, 40, 3)
    np.testing.assert_allclose(logits, 1, rtol=1e-6)


@pytest.mark.parametrize("mode", [MODES[0], MODES[1], MODES[3]], ids=lambda mode: mode.label)
def test_a_network_of_single_pixels_does_not_see_tiles_or_mirrors(mode: Protocol) -> None:
    model, image = pointwise(), noise((29, 40))
    whole = np.asarray(model(image[None].astype(np.float32)))[0]
    np.testing.assert_allclose(averaged_logits(image, ModelLogits(model), mode), whole, rtol=1e-5)


def test_mirroring_averages_what_left_and_right_say(logits_of: ModelLogits) -> None:
    image = noise((16, 24))
    plain = averaged_logits(image, logits_of, Protocol())
    turned = averaged_logits(image[:, ::-1], logits_of, Protocol())[:, ::-1]
    both = averaged_logits(image, logits_of, Protocol(flip=True))
    assert np.abs(plain - turned).max() > 0.1
    np.testing.assert_allclose(both, (plain + turned) / 2, atol=1e-6)


def test_scale_1_alone_is_the_whole_image(network: keras.Model) -> None:
    image = noise((32, 48))[None]
    (whole,), (averaged,) = (
        predict(image)
        for predict in (
            predictor(network, Protocol(interpolation="none")),
            averaging_predictor(network, Protocol(scales=(1.0,))),
        )
    )
    np.testing.assert_array_equal(whole(), averaged())
    assert Protocol(scales=(1.0,)).is_whole


def test_a_network_with_auxiliary_heads_is_read_at_its_logits() -> None:
    keras.utils.set_random_seed(0)
    alone = published.network()
    with_heads = published.network(auxiliary_heads=True)
    with_heads.set_weights(alone.get_weights())
    image, mode = noise((32, 48)), Protocol(tile=16, flip=True)
    found = (averaged_logits(image, ModelLogits(model), mode) for model in (alone, with_heads))
    np.testing.assert_array_equal(*found)


def test_sampling_around_a_network_takes_tiles_of_any_size() -> None:
    from roadseg.sampling import SampledSegmenter

    keras.utils.set_random_seed(0)
    segmenter = SampledSegmenter(published.network(), "uniform", 16)
    logits = averaged_logits(noise((29, 40)), ModelLogits(segmenter), Protocol(tile=18))
    assert logits.shape == (29, 40, 4) and np.isfinite(logits).all() and np.ptp(logits) > 0.1


def test_a_network_whose_original_enlarges_its_logits_has_them_resized_once_more(
    network: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network.get_layer("output.logits"), "in_original", True)
    image = noise((32, 48))
    half = published.enlarged(image, (16, 24))
    expected = published.enlarged(np.asarray(network(half[None].astype(np.float32)))[0], (32, 48))
    found = averaged_logits(image, ModelLogits(network), Protocol(input_scale=0.5))
    assert_same(found, expected)


def test_padding_to_legal_sizes_leaves_the_published_way_for_images_of_such_a_size(
    network: keras.Model, raw: published.Raw
) -> None:
    from roadseg.models.legal_sizes import padded_to_legal

    padded = ModelLogits(padded_to_legal(network))
    image = noise((32, 48))
    expected = published.prediction(published.normalised(image), raw, 0.5)
    assert_same(averaged_logits(image, padded, Protocol(input_scale=0.5)), expected)
    other = noise((35, 50))
    logits = averaged_logits(other, padded, Protocol(input_scale=0.7, flip=True))
    assert logits.shape == (35, 50, 4) and np.ptp(logits) > 0.1
    tiled = averaged_logits(other, padded, Protocol(tile=16))
    assert_same(tiled, published.sliding(published.normalised(other), raw, 16)[0])
    with pytest.raises(RoadsegError, match="--tile 18: strided takes multiples of 4"):
        check_tile(Protocol(tile=18), padded)


def test_a_tile_that_the_network_does_not_take_is_refused(logits_of: ModelLogits) -> None:
    with pytest.raises(RoadsegError, match="--tile 18: strided .* of 4; .* to 18: 16 or 20"):
        check_tile(Protocol(tile=18), logits_of)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tile": -1}, "--tile -1: a tile has"),
        ({"tile": 9, "tile_overlap": 1.0}, "--tile-overlap 1: a share"),
        ({"tile": 9, "tile_overlap": -0.1}, "--tile-overlap -0.1: a share"),
        ({"scales": (1.0, 0.0)}, "--scales 0: a factor above 0"),
        ({"scales": ()}, "--scales: at least one"),
        ({"input_scale": float("nan")}, "--input-scale nan: a factor above 0"),
        ({"input_scale": 0.5, "scales": (0.5, 1.0)}, "--input-scale 0.5 with --scales: give one"),
    ],
)
def test_values_that_make_no_sense_are_refused(values: dict, message: str) -> None:
    with pytest.raises(RoadsegError, match=message):
        Protocol(**values)


def test_a_scale_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(RoadsegError, match="nothing is left of an image of 10x400"):
        Protocol(scales=(0.01,)).sizes((10, 400))


def test_a_mode_has_a_name_of_its_own() -> None:
    labels = [mode.label for mode in MODES]
    assert len(set(labels)) == len(labels)
    assert labels[-2] == "cityscapes-tile16-scales0.75_1_1.5-flip"
    assert Protocol().shown == "whole images"
