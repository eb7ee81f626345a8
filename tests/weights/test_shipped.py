"""The network that comes with the package sees real streets: CamVid's test images, by its files."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import roadseg
from roadseg.errors import RoadsegError
from roadseg.metrics.confusion import ConfusionMatrix
from roadseg.weights.presets import PRESETS
from tests.support import shared_folder

SHIPPED = [name for name, preset in PRESETS.items() if preset.shipped]


def percent(name: str, frames: list[Path]) -> float:
    """Return the mean IoU over the classes of CamVid, from labels beside the images' folder."""
    model = roadseg.load(name)
    matrix = ConfusionMatrix(11)
    for frame in frames:
        truth = cv2.imread(
            str(frame.parent.with_name("testannot") / f"{frame.stem}.png"), cv2.IMREAD_GRAYSCALE
        )
        matrix.add(np.where(truth < 11, truth, 255), model.predict_labels(frame))
    return 100 * matrix.metrics().miou()


def frames() -> list[Path]:
    return sorted(shared_folder("data", "camvid", "test").glob("*.jpg"))


@pytest.mark.parametrize(("name", "least"), [("camvid", 60), ("camvid_density", 38)])
def test_real_streets_are_labelled_by_what_comes_with_the_package(name: str, least: int) -> None:
    assert percent(name, frames()[::30]) > least


def test_the_sampled_one_says_where_it_looked_and_is_no_plain_network() -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    found = roadseg.load("camvid_density")(image)
    assert found.labels.shape == (50, 70) and found.locations.shape == (96 * 128, 2)
    with pytest.raises(RoadsegError, match=r"roadseg\.load\('camvid_density'\) gives both"):
        roadseg.create("deeplabv3_mobilenet_v2", weights="camvid_density")


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_the_score_of_a_shipped_network_is_that_of_its_page(name: str) -> None:
    found = percent(name, frames())
    assert len(frames()) == 233 and found == pytest.approx(PRESETS[name].score, abs=0.1)
