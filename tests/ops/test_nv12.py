"""NV12 against OpenCV's own conversion, both ways."""

import cv2
import numpy as np
import pytest
from keras import ops

from roadseg.errors import RoadsegError
from roadseg.ops.nv12 import frames_of, nv12_of, rgb_of, rows_of, size_of

WHITE, BLACK, RED, GREEN, BLUE = [255] * 3, [0] * 3, [255, 0, 0], [0, 255, 0], [0, 0, 255]


def patches() -> np.ndarray:
    """Return two images of 36x28 in patches of 4x4, the corners of the colour cube among them."""
    colours = np.random.default_rng(0).integers(0, 256, (2, 9, 7, 3))
    colours[0, 0, :5] = WHITE, BLACK, RED, GREEN, BLUE
    return np.kron(colours, np.ones((4, 4, 1))).astype(np.uint8)


def test_frames_become_the_colours_that_opencv_makes_of_them():
    frames = np.random.default_rng(0).integers(0, 256, (2, rows_of(36), 28), np.uint8)
    found = ops.convert_to_numpy(rgb_of(frames))
    assert found.dtype == np.float32 and found.shape == (2, 36, 28, 3)
    for own, frame in zip(found, frames, strict=True):
        assert np.abs(own - cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_NV12)).max() <= 2


def test_images_become_frames_and_images_again():
    images = patches()
    frames = frames_of(images)
    assert frames.shape == (2, 54, 28) and frames.dtype == np.uint8
    assert size_of(frames.shape) == (36, 28)
    for image, frame in zip(images, frames, strict=True):
        theirs = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420)
        assert np.abs(theirs[:36].astype(int) - frame[:36]).max() <= 1
        back = cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_NV12)
        assert np.abs(back.astype(int) - image).max() <= 4


def test_a_graph_makes_the_frames_that_numpy_makes():
    images = patches()
    made = ops.convert_to_numpy(nv12_of(ops.convert_to_tensor(images.astype("float32")), ops))
    assert np.abs(made - frames_of(images)).max() <= 1


def test_odd_sides_are_refused_with_the_next_even_ones():
    message = "image of 5x8: NV12 has even sides; give 4x8, or export with --input-format rgb"
    with pytest.raises(RoadsegError, match=message):
        frames_of(np.zeros((1, 5, 8, 3), np.uint8))
