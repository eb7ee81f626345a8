import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from roadseg.errors import RoadsegError
from roadseg.layers.normalisation import mean_colour
from roadseg.models.legal_sizes import PadToMultiple, padded_to_legal
from tests.support import on_tensorflow


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return roadseg.create("fast_scnn", 5)


def images(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (2, height, width, 3)).astype("float32")


def numbers(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("size", [(64, 96), (65, 90), (33, 32)])
def test_logits_are_those_of_the_image_padded_with_the_mean_colour(network, size):
    given = images(*size)
    height, width = (-(-side // 32) * 32 for side in size)
    padded = np.empty((2, height, width, 3), "float32")
    padded[:] = mean_colour("rgb")
    padded[:, : size[0], : size[1]] = given
    wanted = numbers(network(padded, training=False))[:, : size[0], : size[1]]
    found = numbers(padded_to_legal(network)(given, training=False))
    assert found.shape == (2, *size, 5)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_padding_leaves_pixels_as_they_are():
    given = images(5, 6)
    padded = numbers(PadToMultiple(4, (123.675, 116.28, 103.53))(given))
    np.testing.assert_array_equal(padded[:, :5, :6], given)
    np.testing.assert_allclose(
        padded[:, 5:], np.broadcast_to((123.675, 116.28, 103.53), (2, 3, 8, 3))
    )
    np.testing.assert_allclose(padded[:, :, 6:, 0], 123.675)


def test_a_network_of_any_size_is_returned_as_it_is():
    network = roadseg.create("deeplabv3_mobilenet_v2", 5, depth_multiplier=0.1)
    assert padded_to_legal(network) is network


def test_weights_are_those_of_the_network(network):
    wrapped = padded_to_legal(network)
    assert [id(variable) for variable in wrapped.weights] == [id(v) for v in network.weights]


def test_it_saves_and_gives_the_same_logits(network, tmp_path):
    wrapped, given = padded_to_legal(network), images(40, 50)
    wrapped.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(numbers(wrapped(given)), numbers(loaded(given)))


@on_tensorflow
@pytest.mark.slow
def test_it_exports_at_unknown_size(network, tmp_path):
    import tensorflow as tf

    wrapped = padded_to_legal(network)
    wrapped.export(str(tmp_path / "saved"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    for size in ((40, 50), (64, 96)):
        given = images(*size)
        found = loaded.serve(given).numpy()
        np.testing.assert_allclose(found, numbers(wrapped(given, training=False)), atol=1e-4)


def test_a_side_one_pixel_short_of_a_multiple_is_legal_where_the_first_stride_rounds_up():
    keras.utils.set_random_seed(0)
    dabnet = roadseg.create("dabnet", 5)
    for size in ((63, 95), (64, 95)):
        given = images(*size)
        found = numbers(padded_to_legal(dabnet)(given, training=False))
        np.testing.assert_array_equal(found, numbers(dabnet(given, training=False)))
    for size in ((62, 96), (64, 97)):
        with pytest.raises(RoadsegError, match="this network takes multiples of 4"):
            dabnet(images(*size))
        assert numbers(padded_to_legal(dabnet)(images(*size))).shape == (2, *size, 5)
