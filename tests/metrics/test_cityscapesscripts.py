"""Our scores against the official evaluation, on real frames and on generated ones."""

import copy
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from roadseg.metrics.confusion import ConfusionMatrix
from tests.support import shared_folder

official = pytest.importorskip("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")
labels_module = pytest.importorskip("cityscapesscripts.helpers.labels")

TRAIN_LABELS = sorted(
    (label for label in labels_module.labels if 0 <= label.trainId < 255),
    key=lambda label: label.trainId,
)
TO_TRAIN = np.full(256, 255, np.uint8)
for _label in TRAIN_LABELS:
    TO_TRAIN[_label.id] = _label.trainId
TO_ID = np.array([label.id for label in TRAIN_LABELS], np.uint8)
CATEGORIES: dict[str, list[int]] = {}
for _label in TRAIN_LABELS:
    CATEGORIES.setdefault(_label.category, []).append(_label.trainId)


def official_scores(predictions: list[Path], truths: list[Path]) -> dict[str, Any]:
    arguments = copy.copy(official.args)
    arguments.evalInstLevelScore = arguments.JSONOutput = False
    arguments.quiet = True
    files = [str(path) for path in predictions], [str(path) for path in truths]
    return official.evaluateImgLists(*files, arguments)


def perturbed(label_ids: np.ndarray, seed: int, void: bool) -> np.ndarray:
    """Return a prediction in label ids: the shifted label, guesses where it is void, noise."""
    random = np.random.default_rng(seed)
    train_ids = TO_TRAIN[np.roll(label_ids, random.integers(1, 9, 2), (0, 1))]
    guess = random.integers(0, 19, label_ids.shape)
    wrong = (train_ids == 255) | (random.random(label_ids.shape) < 0.05)
    prediction = TO_ID[np.where(wrong, guess, train_ids)]
    if void:
        prediction[random.random(label_ids.shape) < 0.02] = 0
    return prediction


def generated_frames(folder: Path) -> list[Path]:
    """Write three label maps in label ids, all ids 0..33 but for 'train' (31) among them."""
    random = np.random.default_rng(7)
    paths = []
    for number in range(3):
        coarse = random.integers(0, 34, (16, 32)).astype(np.uint8)
        coarse[coarse == 31] = 26
        paths.append(folder / f"frame{number}_labelIds.png")
        cv2.imwrite(str(paths[-1]), np.kron(coarse, np.ones((9, 11), np.uint8)))
    return paths


def assert_equal_to_official(truths: list[Path], folder: Path, void: bool) -> None:
    matrix = ConfusionMatrix(19)
    predictions = []
    for number, path in enumerate(truths):
        label_ids = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        prediction = perturbed(label_ids, number, void)
        predictions.append(folder / f"pred{number}.png")
        cv2.imwrite(str(predictions[-1]), prediction)
        matrix.add(TO_TRAIN[label_ids], TO_TRAIN[prediction])
    expected = official_scores(predictions, truths)
    scores = matrix.metrics()
    for label, iou in zip(TRAIN_LABELS, scores.iou(), strict=True):
        theirs = expected["classScores"][label.name]
        assert iou == theirs or (math.isnan(iou) and math.isnan(theirs)), label.name
    categories = scores.category_iou(CATEGORIES)
    for name, iou in categories.items():
        assert iou == expected["categoryScores"][name], name
    assert scores.miou() == expected["averageScoreClasses"]
    assert sum(categories.values()) / len(categories) == expected["averageScoreCategories"]
    ids = [label.id for label in TRAIN_LABELS]
    np.testing.assert_array_equal(
        matrix.matrix, np.asarray(expected["confMatrix"], np.int64)[np.ix_(ids, ids)]
    )


@pytest.mark.parametrize("void", [False, True])
def test_scores_equal_the_official_ones_on_generated_frames(tmp_path: Path, void: bool) -> None:
    assert_equal_to_official(generated_frames(tmp_path), tmp_path, void)


@pytest.mark.parametrize("void", [False, True])
def test_scores_equal_the_official_ones_on_real_frames(tmp_path: Path, void: bool) -> None:
    folder = shared_folder("data", "cityscapes_frames", "gtFine")
    truths = sorted(folder.glob("*/*/*_labelIds.png"))
    assert truths
    assert_equal_to_official(truths, tmp_path, void)
