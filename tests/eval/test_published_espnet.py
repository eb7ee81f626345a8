"""ESPNet as its authors published it scores on CamVid what they reported, by three commands."""

import json
from pathlib import Path

import pytest

from roadseg import cli
from tests.support import shared_folder

# With the JPEG copies of the frames. The authors reported 55.64, 68.30 with lossless ones.
PUBLISHED = {
    "miou": 0.5718,
    "miou_with_void": 0.5566,
    "mean_class_accuracy": 0.6839,
    "pixel_accuracy": 0.8580,
}
IOU = (91.6, 71.6, 27.4, 93.2, 77.8, 64.5, 31.2, 14.3, 75.5, 38.3, 43.7)


def roadseg(line: str, *paths: object) -> None:
    """Run a command whose paths are written {}."""
    arguments = line.format(*(str(path).replace(" ", "\0") for path in paths)).split()
    assert cli.main([word.replace("\0", " ") for word in arguments]) == 0


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    weights = shared_folder("weights", "espnet_p2_q8_camvid.npz")
    camvid = shared_folder("data", "camvid")
    folder = tmp_path_factory.mktemp("espnet")
    roadseg("convert camvid --source {} --to {}", camvid, folder / "camvid")
    roadseg(
        "import-weights {} --model espnet --num-classes 12 --label-table camvid --to {} "
        "--options p=2 q=8 normalisation=espnet_camvid",
        weights,
        folder / "run",
    )
    return folder / "run"


def evaluate(run: Path, options: str = "") -> dict:
    """Return the scores of the test frames, from the one file that evaluation adds."""
    before = set(run.glob("evaluation/*/*.json"))
    records = run.with_name("camvid")
    roadseg("eval {} --records {} --split test --protocol espnet " + options, run, records)
    (written,) = set(run.glob("evaluation/*/*.json")) - before
    return json.loads(written.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def scores(run) -> dict:
    return evaluate(run)


@pytest.mark.slow
def test_every_test_frame_counts(scores):
    assert scores["images"] == 233


@pytest.mark.slow
@pytest.mark.parametrize("metric", PUBLISHED)
def test_the_published_score_is_reached_to_a_twentieth_of_a_percent(scores, metric):
    assert scores[metric] == pytest.approx(PUBLISHED[metric], abs=0.0005)


@pytest.mark.slow
def test_every_class_is_as_good_as_the_originals(scores):
    assert [100 * iou for iou in scores["iou"].values()] == pytest.approx(IOU, abs=0.06)


@pytest.mark.slow
def test_three_scales_and_the_mirror_give_the_figure_of_the_readme(run):
    found = evaluate(run, "--scales 0.75 1.0 1.25 --flip")
    assert 100 * found["miou"] == pytest.approx(59.40, abs=0.05)
