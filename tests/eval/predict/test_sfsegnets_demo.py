"""`roadseg predict --style sfsegnets` writes SFSegNets' two pictures, PNG whatever comes in."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from roadseg import cli
from roadseg.eval.predict.sources import read_picture
from roadseg.runs.load import inference_of_run
from roadseg.runs.run_folder import RunFolder
from tests.eval.small_runs import RECIPE, TABLE, small_run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:

    return small_run(tmp_path / "run", RECIPE.replace(sampling={"kind": "none"}))


def demo(run: RunFolder, images: Path, to: Path, *more: str) -> int:
    argv = [
        "predict",
        str(run.path),
        "--images",
        str(images),
        "--to",
        str(to),
        "--style",
        "sfsegnets",
        *more,
    ]
    return cli.main(argv)


def test_masks_and_overlaps_are_written_for_every_image(run: RunFolder, tmp_path: Path) -> None:
    images, to = tmp_path / "in", tmp_path / "out"
    images.mkdir()
    for name in ("a.png", "b.jpg"):
        picture = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
        cv2.imwrite(str(images / name), picture)
    assert demo(run, images, to) == 0
    assert {path.name for path in to.iterdir()} == {
        "color_mask_a.png",
        "overlap_a.png",
        "color_mask_b.png",
        "overlap_b.png",
    }
    for name in ("a.png", "b.jpg"):
        image = read_picture(images / name)
        labels = inference_of_run(run).predict_labels(image)
        with Image.open(to / f"color_mask_{name[0]}.png") as mask:
            assert mask.format == "PNG" and mask.mode == "P"
            np.testing.assert_array_equal(np.asarray(mask), labels)
            colours = np.asarray(mask.convert("RGB"))
        np.testing.assert_array_equal(colours, np.array(TABLE.colours)[labels])
        with Image.open(to / f"overlap_{name[0]}.png") as overlap:
            mixed = image / 2 + colours / 2
            np.testing.assert_allclose(np.asarray(overlap), mixed, atol=0.51)


@pytest.mark.parametrize("more", [("--write", "labels"), ("--label-ids",)])
def test_other_pictures_beside_the_demos_are_refused(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    assert demo(run, tmp_path / "a.png", tmp_path / "out", *more) == 2
    assert "error: --style sfsegnets writes its own two pictures" in capsys.readouterr().err


def test_videos_are_refused(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "drive.mp4").write_bytes(b"")
    assert demo(run, tmp_path / "drive.mp4", tmp_path / "out") == 2
    assert "error: --style sfsegnets: of images alone" in capsys.readouterr().err
