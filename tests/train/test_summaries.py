"""What TensorBoard is given to show while a run trains."""

from pathlib import Path

import numpy as np
import pytest

from roadseg.label_tables.label_table import LabelTable
from roadseg.runs.run_folder import RunFolder
from roadseg.train import loop
from tests.train import tiny


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.patch_networks(monkeypatch)


def pictures_of(run: RunFolder) -> dict[str, tuple[int, int]]:
    """Return name -> (height, width) of the pictures in the log."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    found = {}
    for path in run.tensorboard("train").iterdir():
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "images":
                    width, height = value.tensor.string_val[:2]
                    found[value.tag] = (int(height), int(width))
    return found


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("segmentation", {"image": (24, 24), "label": (24, 24), "prediction": (24, 24)}),
        ("sampling_grid", {"prediction": (256, 256), "target": (256, 256)}),
    ],
)
def test_pictures_show_what_the_network_sees_and_says(tmp_path: Path, task: str, expected: dict):
    records = tiny.write_records(tmp_path / "records", count=4)
    run = RunFolder(tmp_path / "run")
    assert (
        loop.train(tiny.recipe(records, task=task, steps=1, log={"pictures_every_steps": 1}), run)
        == 0
    )
    assert pictures_of(run) == expected


def test_points_outside_the_image_or_not_finite_are_drawn_at_its_border():
    from roadseg.train.tasks.pictures import points

    grid = np.array([[[[-3.0, 9.0], [np.nan, np.inf]]]])
    drawn = points(np.zeros((1, 16, 16, 3), np.float32), grid, (0, 255, 0))[0]
    assert drawn[0, 15, 1] == 255 and drawn.shape == (16, 16, 3)


def test_colours_over_an_image_are_those_of_the_table(tmp_path: Path):
    from roadseg.train.tasks.pictures import overlays

    table = LabelTable("one", names=("road",), colours=((200, 100, 0),))
    drawn = overlays(np.zeros((1, 4, 4, 3), np.float32), np.zeros((1, 4, 4), np.int32), table)
    assert drawn.dtype == np.uint8
    np.testing.assert_allclose(drawn[0, 1, 1] / 200, [0.55, 0.275, 0], atol=0.01)
