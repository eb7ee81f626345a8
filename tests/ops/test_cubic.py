"""The cubic resize of logits against OpenCV's."""

import cv2
import numpy as np
import pytest
from keras import ops

from roadseg.ops.cubic import resize_cubic
from tests.ops.gradients import check_gradients
from tests.support import on_tensorflow

SIZES = [
    ((16, 32), (128, 256)),
    ((5, 7), (9, 13)),
    ((9, 13), (5, 7)),
    ((6, 4), (6, 9)),
    ((1, 1), (4, 3)),
    ((45, 60), (360, 477)),
]


def logits(size: tuple[int, int], channels: int = 19) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(*size, channels)).astype(np.float32)


@pytest.mark.parametrize(("source", "target"), SIZES)
def test_cubic_resizes_as_opencv_does(source, target):
    image = logits(source)
    expected = cv2.resize(image, target[::-1], interpolation=cv2.INTER_CUBIC)
    ours = ops.convert_to_numpy(resize_cubic(image[None], target))[0]
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, expected, atol=1e-5 * np.abs(image).max())


def test_a_batch_is_resized_image_by_image():
    images = np.stack([logits((5, 7), 2), -logits((5, 7), 2)])
    both = ops.convert_to_numpy(resize_cubic(images, (9, 11)))
    alone = [ops.convert_to_numpy(resize_cubic(image[None], (9, 11)))[0] for image in images]
    np.testing.assert_array_equal(both, alone)


def test_bytes_become_float32():
    image = np.random.default_rng(0).integers(0, 256, (6, 5, 3))
    expected = cv2.resize(image.astype(np.float64), (9, 13), interpolation=cv2.INTER_CUBIC)
    found = ops.convert_to_numpy(resize_cubic(image[None].astype(np.uint8), (13, 9)))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], expected, atol=1e-3)


def test_a_map_of_another_rank_is_refused():
    with pytest.raises(ValueError, match="got shape"):
        resize_cubic(np.zeros((4, 4, 3)), (8, 8))


def test_gradients_are_those_of_finite_differences():
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(1, 5, 7, 2))
    check_gradients(
        lambda x: ops.sum(resize_cubic(x, (5, 7)) * weights), [rng.normal(size=(1, 3, 4, 2))]
    )


@on_tensorflow
def test_a_graph_of_unknown_size_resizes_alike():
    import tensorflow as tf

    signature = [tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((2,), "int32")]

    @tf.function(input_signature=signature, autograph=False)
    def resized(images, size):
        return resize_cubic(images, (size[0], size[1]))

    image = logits((5, 7), 3)
    for target in ((11, 5), (4, 20)):
        expected = cv2.resize(image, target[::-1], interpolation=cv2.INTER_CUBIC)
        np.testing.assert_allclose(resized(image[None], target)[0], expected, atol=4e-5)
