import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from roadseg.errors import RoadsegError
from roadseg.layers.introspection import count_parameters
from roadseg.models.espnet import espnet, espnet_c
from roadseg.ops.resize import resize_bilinear
from tests.models.every_network import images
from tests.support import weights_of_zeros

# Classes, p, q, fusion: trainable values of the authors' weights.
COUNTS = [
    (12, 2, 8, "stem+image", 354_517),
    (20, 2, 3, "stem", 202_649),
    (20, 2, 5, "stem", 267_417),
    (20, 2, 8, "stem", 364_569),
]
ENCODER_COUNTS = [
    (20, 2, 3, 187_529),
    (20, 2, 5, 252_297),
    (20, 2, 8, 349_449),
]
# Mean and deviation of blue, green, red.
STATISTICS = {
    "espnet_cityscapes": ((72.3923111, 82.90893555, 73.15840149),
                          (45.3192215, 46.15289307, 44.91483307)),
    "espnet_camvid": ((110.2478, 108.3571, 104.9847), (72.0581, 72.6439, 69.8477)),
}  # fmt: skip


def run(model: keras.Model, image: np.ndarray, *layers: str) -> list[np.ndarray]:
    outputs = {name: model.get_layer(name).output for name in layers}
    found = keras.Model(model.input, outputs)(image, training=False)
    return [ops.convert_to_numpy(found[name]) for name in layers]


@pytest.mark.parametrize(("classes", "p", "q", "fusion", "count"), COUNTS)
def test_parameters_are_those_of_the_published_weights(classes, p, q, fusion, count):
    with weights_of_zeros():
        assert count_parameters(espnet(classes, p=p, q=q, fusion=fusion)) == count


@pytest.mark.parametrize(("classes", "p", "q", "count"), ENCODER_COUNTS)
def test_parameters_of_the_encoder_are_those_published(classes, p, q, count):
    with weights_of_zeros():
        assert count_parameters(espnet_c(classes, p=p, q=q)) == count


def test_the_last_fusion_takes_the_stem_with_the_image_or_without():
    for fusion, channels in (("stem+image", 19), ("stem", 16)):
        model = espnet(11, fusion=fusion)
        assert model.get_layer("conv.conv").kernel.shape == (3, 3, 11 + channels, 11)
    with pytest.raises(RoadsegError, match="espnet: fusion='image'; there are stem"):
        roadseg.create("espnet", 19, fusion="image")


@pytest.mark.parametrize(
    ("classes", "layer", "widths"),
    [
        (19, "encoder.level2_0", (16, 12)),
        (19, "encoder.level3.0", (28, 25)),
        (19, "combine_l2_l3.1", (7, 3)),
        (20, "combine_l2_l3.1", (4, 4)),
        (12, "combine_l2_l3.1", (4, 2)),
        (5, "combine_l2_l3.1", (1, 1)),
    ],
)
def test_a_branch_has_a_fifth_of_the_channels_and_the_first_what_is_left(classes, layer, widths):
    with weights_of_zeros():
        model = espnet(classes)
    found = [model.get_layer(f"{layer}.d{d}.conv").filters for d in (1, 2, 4, 8, 16)]
    assert found == [widths[0]] + 4 * [widths[1]]


@pytest.mark.parametrize("classes", [5, 7, 33])
def test_logits_of_any_number_of_classes_come_at_input_size(classes):
    logits = ops.convert_to_numpy(espnet(classes)(images((40, 56))))
    assert logits.shape == (1, 40, 56, classes)
    assert np.isfinite(logits).all()


def test_fewer_classes_than_dilations_are_refused_but_by_the_encoder():
    with pytest.raises(RoadsegError, match="num_classes=4; .* 5 or more; espnet_c takes fewer"):
        roadseg.create("espnet", 4)
    assert espnet_c(2)(images((16, 24))).shape == (1, 16, 24, 2)


@pytest.mark.parametrize("option", ["p", "q"])
def test_a_level_without_blocks_is_refused(option):
    for network in ("espnet", "espnet_c"):
        with pytest.raises(RoadsegError, match=f"{network}: {option}=0; a level has"):
            roadseg.create(network, 19, **{option: 0})


def test_dilated_sums_are_joined_not_the_branches():
    keras.utils.set_random_seed(0)
    parts = [f"encoder.level2_0.d{d}.conv" for d in (1, 2, 4, 8, 16)]
    *maps, joined = run(espnet(19), images((64, 64)), *parts, "encoder.level2_0.concatenated")
    expected = [maps[0], *np.cumsum(maps[1:], axis=0)]
    np.testing.assert_allclose(joined, np.concatenate(expected, axis=-1), rtol=1e-5, atol=1e-6)


def test_slopes_below_zero_start_at_a_quarter_one_for_each_channel():
    slopes = espnet(19).get_layer("encoder.b2.act").weights
    assert [tuple(variable.shape) for variable in slopes] == [(1, 1, 131)]
    assert (ops.convert_to_numpy(slopes[0]) == 0.25).all()


def test_transposed_kernels_start_within_the_bound_of_pytorch():
    keras.utils.set_random_seed(0)
    kernel = ops.convert_to_numpy(espnet(19).get_layer("classifier").kernel)
    assert kernel.shape == (2, 2, 19, 19)
    bound = (4 * 19) ** -0.5
    assert 0.98 * bound < np.abs(kernel).max() <= bound


def test_the_auxiliary_output_is_the_encoders_classes_and_adds_no_weights():
    model = espnet(19, auxiliary_heads=True)
    image = images((64, 80))
    assert [v.path for v in model.weights] == [v.path for v in espnet(19).weights]
    (encoder,) = run(model, image, "encoder.classifier.conv")
    assert encoder.shape == (1, 8, 10, 19)
    expected = ops.convert_to_numpy(resize_bilinear(encoder, (64, 80)))
    found = ops.convert_to_numpy(model(image, training=False)["aux"])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("align_corners", [True, "half_pixel"])
def test_the_encoder_enlarges_its_classes_in_either_convention(align_corners):
    model = espnet_c(19, align_corners=align_corners)
    image = images((64, 80))
    (classes,) = run(model, image, "classifier.conv")
    expected = ops.convert_to_numpy(resize_bilinear(classes, (64, 80), align_corners))
    np.testing.assert_allclose(ops.convert_to_numpy(model(image)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", STATISTICS)
def test_images_at_network_size_are_normalised_inside_as_the_authors_do_outside(name):
    keras.utils.set_random_seed(0)
    rgb = np.random.default_rng(0).integers(0, 256, (1, 48, 64, 3)).astype("float32")
    mean, deviation = (np.array(values, "float32") for values in STATISTICS[name])
    prepared = (rgb[..., ::-1] - mean) / deviation / np.float32(255)
    inside, outside = espnet(19, normalisation=name), espnet(19, include_preprocessing=False)
    for ours, same in zip(inside.weights, outside.weights, strict=True):
        same.assign(ours)
    normalised = ops.convert_to_numpy(inside.get_layer("normalise")(rgb))
    np.testing.assert_allclose(normalised, prepared, rtol=1e-5, atol=1e-8)
    logits, expected = (ops.convert_to_numpy(x) for x in (inside(rgb), outside(prepared)))
    np.testing.assert_allclose(logits, expected, atol=1e-5 * np.abs(expected).max())
