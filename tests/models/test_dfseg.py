import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from roadseg.errors import RoadsegError
from roadseg.layers.introspection import count_parameters
from roadseg.layers.normalisation import mean_colour, normalise
from tests.models.every_network import gradients_of, segmentation_loss
from tests.support import weights_of_zeros

AUTHORS = [
    ("dfseg_v1", "df1_seg"),
    ("dfseg_v1", "df1_seg_d8"),
    ("dfseg_v2", "df2_seg1"),
    ("dfseg_v2", "df2_seg2"),
]
# The deeper ones take the longest, and have the parts of the others.
authors_networks = pytest.mark.parametrize(
    ("name", "decoder"),
    [pytest.param(*row, marks=pytest.mark.slow if row[0] == "dfseg_v2" else ()) for row in AUTHORS],
)


def network(name: str = "dfseg_v1", size=(None, None), **options) -> keras.Model:
    keras.utils.set_random_seed(2)
    return roadseg.create(name, 19, input_shape=(*size, 3), **options)


def image(size: tuple[int, int], batch: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (batch, *size, 3)).astype("float32")


def values(model: keras.Model, size: tuple[int, int], *names: str) -> list[np.ndarray]:
    """Return what layers give for one image."""
    layers = {name: model.get_layer(name).output for name in names}
    found = keras.Model(model.input, layers)(image(size))
    return [ops.convert_to_numpy(found[name]) for name in names]


def with_weights_of(other: keras.Model, model: keras.Model) -> keras.Model:
    model.set_weights(other.get_weights())
    return model


def test_bins_of_the_pyramid_overlap_where_they_do_not_divide_the_map():
    backbone, pooled = values(network(), (200, 328), "backbone.stage5.0.relu", "ppm.stages.3.0")
    assert backbone.shape[1:3] == (7, 11) and pooled.shape[1:3] == (6, 6)
    rows = [(i * 7 // 6, -(-(i + 1) * 7 // 6)) for i in range(6)]
    columns = [(i * 11 // 6, -(-(i + 1) * 11 // 6)) for i in range(6)]
    expected = [[backbone[0, a:b, c:d].mean((0, 1)) for c, d in columns] for a, b in rows]
    np.testing.assert_allclose(pooled[0], expected, rtol=1e-4, atol=1e-6)


def test_the_published_padding_puts_a_border_of_one_constant_around_the_pyramid():
    model = network()
    norm = model.get_layer("ppm.bottleneck.1")
    norm.beta.assign(np.linspace(-1, 1, 128))
    coarse, pyramid = values(model, (96, 160), "ppm.concatenated", "ppm.bottleneck.1.relu")
    assert coarse.shape[1:3] == (3, 5) and pyramid.shape[1:3] == (5, 7)
    border = np.concatenate([pyramid[0, 0], pyramid[0, -1], pyramid[0, :, 0], pyramid[0, :, -1]])
    constant = np.maximum(np.linspace(-1, 1, 128), 0)
    np.testing.assert_allclose(border, np.broadcast_to(constant, border.shape), atol=1e-6)


def test_without_padding_the_pyramid_keeps_its_size_and_its_inner_values():
    padded = network()
    plain = with_weights_of(padded, network(ppm_padding=0))
    before, grown = values(padded, (96, 160), "cc5", "ppm.bottleneck.1.relu")
    after, kept = values(plain, (96, 160), "cc5", "ppm.bottleneck.1.relu")
    assert before.shape[1:3] == (5, 7) and after.shape[1:3] == (3, 5)
    np.testing.assert_allclose(grown[:, 1:-1, 1:-1], kept, rtol=1e-5, atol=1e-6)


def test_the_authors_skips_decide_at_an_eighth_with_narrower_maps():
    published, authors = network(), network(skips="authors", auxiliary_heads=True)
    (logits,) = values(published, (64, 96), "fc.4")
    assert logits.shape[1:3] == (4, 6)
    logits, aux = values(authors, (64, 96), "fc.4", "dsn.4")
    assert logits.shape[1:3] == (8, 12) and aux.shape[1:3] == (4, 6)
    # 256 -> 128 and 128 -> 64 channels enter the 1x1 convolutions to 128.
    without_heads = network(skips="authors")
    narrower = 128 * (128 + 64)
    assert count_parameters(published) - count_parameters(without_heads) == narrower


def cbr(kernel_size: int, channels: int, filters: int) -> int:
    return kernel_size**2 * channels * filters + 2 * filters


@pytest.mark.parametrize(
    ("name", "decoder", "backbone", "skips", "widths"),
    [
        ("dfseg_v1", "df1_seg", 8_020_128, (64, 128), (128, 32)),
        ("dfseg_v2", "df2_seg1", 17_474_208, (128, 256), (32, 19)),
        ("dfseg_v2", "df2_seg2", 17_474_208, (128, 256), (512, 256)),
    ],
)
def test_the_authors_networks_hold_what_their_tables_say(name, decoder, backbone, skips, widths):
    eighth, sixteenth = skips
    deep, wide = widths
    pyramid = 4 * cbr(1, 512, 128) + cbr(3, 512 + 4 * 128, 512)
    at_sixteenth = cbr(1, 512, deep) + cbr(1, deep, wide) + cbr(1, sixteenth, wide)
    at_eighth = cbr(3, 2 * wide, wide) + cbr(1, wide, 19) + cbr(1, eighth, 19)
    logits = cbr(3, 2 * 19, 19) + cbr(3, 19, 19)
    expected = backbone + pyramid + at_sixteenth + at_eighth + logits
    with weights_of_zeros():
        model = network(name, decoder=decoder)
    assert count_parameters(model) == expected
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert {(layer.momentum, layer.epsilon) for layer in norms} == {(0.9, 1e-4)}


@authors_networks
def test_the_authors_networks_score_every_pixel_and_train_every_weight(name, decoder):
    model = network(name, decoder=decoder, auxiliary_heads=True, normalisation="df")
    for size in ((64, 96), (96, 64)):
        outputs = model(image(size, batch=2))
        assert {key: x.shape for key, x in outputs.items()} == {
            "logits": (2, *size, 19),
            "aux": (2, *size, 19),
        }
    found = gradients_of(model, (64, 96), segmentation_loss)
    assert all(np.abs(gradient).max() > 0 for gradient in found)


def test_the_authors_maps_are_averaged_in_tiles_of_32_16_8_and_4():
    with weights_of_zeros():
        model = network(size=(1024, 2048), decoder="df1_seg")
    pooled = [model.get_layer(f"psp.pool{number}").output for number in (1, 2, 3, 4)]
    assert [tuple(x.shape[1:3]) for x in pooled] == [(1, 2), (2, 4), (4, 8), (8, 16)]


def test_reading_out_at_an_eighth_repeats_the_class_of_each_cell():
    smooth = network(decoder="df1_seg")
    coarse = with_weights_of(smooth, network(decoder="df1_seg_d8"))
    (cells,) = values(coarse, (64, 96), "decoder.score.bn")
    found = ops.convert_to_numpy(coarse(image((64, 96))))
    np.testing.assert_array_equal(found, cells.repeat(8, axis=1).repeat(8, axis=2))
    assert np.abs(ops.convert_to_numpy(smooth(image((64, 96)))) - found).max() > 0


def test_a_saved_network_of_the_authors_gives_the_same_logits(tmp_path):
    model = network(decoder="df1_seg", normalisation="df")
    model.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(model(image((64, 96))), again(image((64, 96))))


def test_the_authors_scale_is_bgr_less_its_mean_times_8_thousandths():
    pixels = keras.Input((None, None, 3))
    model = keras.Model(pixels, normalise(pixels, "df"))
    found = model(np.array([200.0, 100.0, 10.0], "float32").reshape(1, 1, 1, 3))
    expected = (np.array([10.0, 100.0, 200.0]) - (72, 83, 73)) * 0.008
    np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-6)
    assert mean_colour("df") == (73, 83, 72)


def test_sizes_that_the_authors_networks_do_not_take_are_refused():
    model = network(decoder="df1_seg")
    with pytest.raises(RoadsegError, match="height 80: .* multiples of 32; nearest: 64 or 96"):
        model(image((80, 96)))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("dfseg_v1", {"decoder": "df2_seg1"}, "there are code, df1_seg, df1_seg_d8"),
        ("dfseg_v2", {"decoder": "df1_seg"}, "there are code, df2_seg1, df2_seg2"),
        ("dfseg_v1", {"skips": "paper"}, "there are code, authors"),
        ("dfseg_v1", {"decoder": "df1_seg", "ppm_padding": 0}, "ppm_padding=0 is of the publ"),
        ("dfseg_v1", {"decoder": "df1_seg", "skips": "authors"}, "skips='authors' is of the"),
        ("dfseg_v2", {"decoder": "df2_seg2", "ppm_padding": 0}, "ppm_padding=0 is of the publ"),
    ],
)
def test_options_that_do_not_go_together_are_refused(name, options, message):
    with pytest.raises(RoadsegError, match=f"{name}: .*{message}"):
        network(name, **options)
