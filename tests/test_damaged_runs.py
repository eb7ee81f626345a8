"""Every file of a run, damaged in turn: each command goes on, or says in one line which file it is.

A walk of some minutes: tests/runs/test_damaged.py is the short one.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from roadseg import cli
from roadseg.runs import damaged
from roadseg.runs.run_folder import RunFolder
from roadseg.train import loop
from tests.runs.test_damaged import DAMAGE
from tests.train import tiny

RECIPE = {"log.keep_checkpoints": 2, "log.pictures_every_steps": 0}


@pytest.fixture(autouse=True, scope="module")
def tiny_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        tiny.patch_networks(patch)
        yield


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny.write_records(tmp_path_factory.mktemp("records"), count=4, shards=1)
    shutil.copy(folder / "train-00000-of-00001.tfrecord", folder / "val-00000-of-00001.tfrecord")
    return folder


@pytest.fixture(scope="module")
def run(records: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run that was trained to its end and evaluated."""
    path = tmp_path_factory.mktemp("run") / "run"
    assert loop.train(tiny.recipe(records, **RECIPE), RunFolder(path)) == 0
    assert cli.main(["eval", str(path)]) == 0
    return path


def commands(run: Path, records: Path) -> dict[str, Callable[[], int]]:
    image = run.parent / "street.png"
    cv2.imwrite(str(image), np.full((24, 32, 3), 90, np.uint8))
    to = str(run.parent / "to")

    def called(*words: str) -> Callable[[], int]:
        return lambda: cli.main([*words])

    return {
        "eval": called("eval", str(run)),
        "predict": called("predict", str(run), str(image), "--to", to, "--write", "labels"),
        "report": called("report", str(run), "--to", f"{to}.html", "--pictures", "0"),
        "train": lambda: loop.train(tiny.recipe(records, **RECIPE), RunFolder(run)),
    }


@pytest.mark.slow
@pytest.mark.parametrize("harm", DAMAGE)
def test_each_command_goes_on_or_names_the_file(
    harm: Callable[[Path], object],
    run: Path,
    records: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from roadseg.errors import RoadsegError

    files = sorted(path.relative_to(run) for path in run.rglob("*") if path.is_file())
    assert len(files) > 10
    went_on = refused = 0
    for number, file in enumerate(files):
        for name in ("eval", "predict", "report", "train"):
            copy = tmp_path / f"{number}-{name}" / "run"
            shutil.copytree(run, copy)
            harm(copy / file)
            capsys.readouterr()
            damaged._told.clear()
            try:
                status, line = commands(copy, records)[name](), ""
            except RoadsegError as error:
                status, line = 2, f"error: {error}\n"
            line = line or capsys.readouterr().err
            case = f"{name} with {file} {harm.__name__}: {line}"
            assert status in (0, 2), case
            if status == 2:
                told = [text for text in line.splitlines() if text.startswith("error: ")]
                assert len(told) == 1, case
                assert str(copy) in told[0] and (file.name in told[0] or "no run" in told[0]), case
            went_on, refused = went_on + (status == 0), refused + (status == 2)
            shutil.rmtree(copy.parent)
    with capsys.disabled():
        print(f"\n{harm.__name__}: {len(files)} files, {went_on} went on, {refused} refused")
