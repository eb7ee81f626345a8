"""The network that comes with the package sees real streets: CamVid's test images, by its files."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import roadseg
from roadseg.metrics.confusion import ConfusionMatrix
from roadseg.weights.presets import PRESETS
from tests.support import shared_folder


def percent(frames: list[Path]) -> float:
    """Return the mean IoU over the classes of CamVid, from labels beside the images' folder."""
    model = roadseg.load()
    matrix = ConfusionMatrix(11)
    for frame in frames:
        truth = cv2.imread(
            str(frame.parent.with_name("testannot") / f"{frame.stem}.png"), cv2.IMREAD_GRAYSCALE
        )
        matrix.add(np.where(truth < 11, truth, 255), model.predict_labels(frame))
    return 100 * matrix.scores().miou()


def frames() -> list[Path]:
    return sorted(shared_folder("data", "camvid", "test").glob("*.jpg"))


def test_real_streets_are_labelled_by_what_comes_with_the_package() -> None:
    assert percent(frames()[::30]) > 60


@pytest.mark.slow
def test_the_score_of_the_shipped_network_is_that_of_its_page() -> None:
    found = percent(frames())
    assert len(frames()) == 233 and found == pytest.approx(PRESETS["camvid"].score, abs=0.1)
