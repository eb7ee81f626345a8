"""The verdict on a file: what it lost against Keras, and when that is too much."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)

from roadseg.errors import RoadsegError
from roadseg.export.verdict import Keras, compare_alone, compare_with_labels, in_words, judge
from roadseg.label_tables.label_table import LabelTable
from tests.export.precision.support import SIZE, colour_network, streets

COLOURS = ((1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4))
TABLE = LabelTable("four", ("a", "b", "c", "d"), COLOURS)


@pytest.fixture(scope="module")
def model():
    return colour_network()


@pytest.fixture(scope="module")
def frames(model):
    """Return images with the labels that the model itself gives them: all it says is right."""
    reference = Keras(model, SIZE)
    return [(image, reference.labels(image)) for image in streets(3)]


def run_of(model, spoil=lambda labels: labels, size=SIZE):
    reference = Keras(model, size)
    return lambda images: {"labels": spoil(reference.labels(images[0]))[None]}


def test_an_equal_file_loses_nothing(model, frames):
    found = compare_with_labels(Keras(model, SIZE), run_of(model), frames, TABLE)
    assert found["keras"] == found["file"] == {"miou": 100.0, "boundary_accuracy": 100.0}
    assert found["lost"] == {"miou": 0.0, "boundary_accuracy": 0.0}
    assert (found["labels_equal"], found["images"]) == (100.0, 3)
    assert in_words(found) == (
        "3 images: mIoU 100.00 (Keras), 100.00 (file), accuracy within 3 px of boundaries "
        "100.00 (Keras), 100.00 (file); 100.00 % of labels equal"
    )


def test_what_a_file_spoils_is_counted_in_points(model, frames, tmp_path):
    def shifted(labels):
        return np.roll(labels, 1, axis=1)  # a wrong padding

    found = compare_with_labels(Keras(model, SIZE), run_of(model, shifted), frames, TABLE)
    equal = np.mean([np.mean(np.roll(y, 1, axis=1) == y) for _, y in frames])
    assert found["labels_equal"] == pytest.approx(100 * equal)
    assert found["lost"]["boundary_accuracy"] > 1 and found["lost"]["miou"] > 1
    with pytest.raises(RoadsegError, match="not exported: .* points of .* lost on 3 images"):
        judge(found, tmp_path, None)
    judge(found, tmp_path, 100)


def test_accuracy_at_boundaries_alone_can_be_too_much(tmp_path):
    found = {"lost": {"miou": 0.2, "boundary_accuracy": 1.5}, "images": 7}
    with pytest.raises(RoadsegError, match="1.50 points of accuracy at boundaries lost on 7"):
        judge(found, tmp_path, None)
    judge({**found, "lost": {"miou": -3.0, "boundary_accuracy": 1.0}}, tmp_path, None)
    with pytest.raises(RoadsegError, match="nan points of mIoU"):
        judge({**found, "lost": {"miou": float("nan"), "boundary_accuracy": 0}}, tmp_path, None)


def test_without_labels_the_share_of_equal_ones_is_judged(model, tmp_path):
    images = streets(2)

    def colours_swapped(pictures):
        return run_of(model)(pictures[..., ::-1])

    same = compare_alone(Keras(model, SIZE), run_of(model), images)
    assert same == {"labels_equal": 100.0, "largest_logit_difference": 0.0, "images": 2}
    judge(same, tmp_path, None)
    other = compare_alone(Keras(model, SIZE), colours_swapped, images)
    assert other["largest_logit_difference"] > 0
    assert "largest difference of logits" in in_words(other)
    with pytest.raises(RoadsegError, match="% of the labels are other than the Keras model's on 2"):
        judge(other, tmp_path, None)


def test_labels_of_a_file_of_one_size_are_judged_at_the_size_of_the_labels(model):
    images = streets(2, (96, 128))
    half = (48, 64)
    reference = Keras(model, half)
    labels = [
        np.kron(reference.labels(image[::2, ::2]), np.ones((2, 2), np.int32)) for image in images
    ]
    frames = list(zip(images, labels, strict=True))
    found = compare_with_labels(Keras(model, half), run_of(model, size=half), frames, TABLE)
    assert found["labels_equal"] == 100.0 and found["lost"]["miou"] == 0.0
    assert found["keras"]["miou"] > 60  # the mean of four pixels is not the first of them
