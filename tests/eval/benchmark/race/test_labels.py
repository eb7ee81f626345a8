"""Labels of every pixel from whatever a file gives, against a plain argmax."""

import cv2
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.race.labels import best_class, labels_of

SIZE = (12, 20)
RANDOM = np.random.default_rng(0)


def logits(classes: int, height: int, width: int) -> np.ndarray:
    return RANDOM.normal(size=(1, classes, height, width)).astype(np.float32)


def enlarged(planes: np.ndarray) -> np.ndarray:
    return np.stack([cv2.resize(plane, SIZE[::-1]) for plane in planes])


@pytest.mark.parametrize(("height", "width"), [SIZE, (6, 10), (3, 5)])
@pytest.mark.parametrize("last", [False, True])
def test_logits_of_any_scale_and_layout_give_the_best_class(height, width, last):
    given = logits(7, height, width)
    expected = enlarged(given[0]).argmax(0)
    shown = np.ascontiguousarray(given.transpose(0, 2, 3, 1)) if last else given
    for layout in ("nchw", "nhwc"):  # told by the aspect, whatever the input's was
        np.testing.assert_array_equal(labels_of(shown, SIZE, layout), expected)


def test_logits_without_a_batch_and_in_half_precision_or_integers_are_taken() -> None:
    given = logits(5, *SIZE)[0]
    np.testing.assert_array_equal(labels_of(given, SIZE, "nchw"), given.argmax(0))
    half = given.astype(np.float16)
    np.testing.assert_array_equal(labels_of(half, SIZE, "nchw"), half.argmax(0))
    whole = (given * 30).astype(np.int8)
    np.testing.assert_array_equal(labels_of(whole, SIZE, "nchw"), whole.argmax(0))


def test_a_square_image_leaves_the_layout_to_the_input() -> None:
    given = logits(8, 8, 8)
    first, last = (labels_of(given, (8, 8), layout) for layout in ("nchw", "nhwc"))
    np.testing.assert_array_equal(first, given[0].argmax(0))
    np.testing.assert_array_equal(last, given[0].argmax(-1))


def test_of_equal_logits_the_first_class_wins() -> None:
    given = np.zeros((4, *SIZE), np.float32)
    given[2:, :, 3] = 1
    found = best_class(given, SIZE)
    assert (found[:, 3] == 2).all() and found.sum() == 2 * SIZE[0]


@pytest.mark.parametrize("shape", [SIZE, (1, *SIZE), (1, 1, *SIZE), (1, *SIZE, 1)])
@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float32])
def test_maps_of_labels_pass_as_they_are(shape, kind):
    labels = RANDOM.integers(0, 19, SIZE)
    found = labels_of(labels.reshape(shape).astype(kind), SIZE, "nchw")
    assert found.dtype.kind in "iu"
    np.testing.assert_array_equal(found, labels)


def test_a_smaller_map_of_labels_is_enlarged_by_the_nearest() -> None:
    labels = RANDOM.integers(0, 19, (6, 10))
    found = labels_of(labels[None], SIZE, "nchw")
    np.testing.assert_array_equal(found, labels.repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("shape", [(2, 5, *SIZE), (5,), (1, 1, 5, *SIZE)])
def test_what_is_neither_labels_nor_logits_is_refused(shape):
    with pytest.raises(ValueError, match="an output of shape"):
        labels_of(np.zeros(shape, np.float32), SIZE, "nchw")


def test_more_classes_than_a_byte_holds_are_refused() -> None:
    with pytest.raises(RoadsegError, match="logits of 300 classes: 256 at most"):
        labels_of(np.zeros((1, 300, *SIZE), np.float32), SIZE, "nchw")
