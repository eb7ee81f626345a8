"""Files that are no files, or nested without end, where one is read: refused at once, in one line.

A pipe would be waited for, a device read until memory ends.
"""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from roadseg.data_conversion.raw.class_table import read_class_table
from roadseg.data_conversion.raw.list_files import lines_of
from roadseg.data_conversion.raw.pictures import read_file
from roadseg.data_conversion.read import label_counts
from roadseg.data_conversion.sets.street_scenes import SETTINGS_FILE, write_street_scenes
from roadseg.errors import RoadsegError
from roadseg.eval import store
from roadseg.eval.results.load import load_result
from roadseg.export import model_card
from roadseg.files import read_json, refuse_unwritable, write_text
from roadseg.folders import replace_folder
from roadseg.inference.saved_model import read_card
from roadseg.label_tables.label_table import LabelTable
from roadseg.npz import ArrayFile
from roadseg.runs.run_folder import RunFolder
from roadseg.train.data.class_weights import class_weights
from roadseg.two_cameras.flow_files import read_flow
from roadseg.two_cameras.rig import find_rig
from roadseg.weights.pickled import read_paddle_content, read_torch_content
from roadseg.weights.safetensors import read_safetensors
from roadseg.weights.slim import read_slim

Read = Callable[[Path], object]


def best_step(path: Path) -> object:
    return RunFolder(path.parent).best_step()


def best_score(path: Path) -> object:
    return store._read_best(RunFolder(path.parent))


def weights_of_classes(path: Path) -> object:
    recipe = SimpleNamespace(loss=SimpleNamespace(class_weights="frequencies"))
    return class_weights(recipe, RunFolder(path.parent), None)


READERS: dict[str, tuple[str, Read]] = {
    "JSON": ("recipe.json", lambda path: read_json(path, "way out")),
    "label table": ("label_table.json", LabelTable.from_json),
    "result": ("step-1.json", load_result),
    "arrays": ("weights.npz", ArrayFile),
    "safetensors": ("w.safetensors", read_safetensors),
    "PyTorch": ("w.pth", read_torch_content),
    "Paddle": ("w.pdparams", read_paddle_content),
    "TF-slim": ("w.tgz", read_slim),
    "rig": ("rig.yaml", find_rig),
    "flow": ("a.flo", read_flow),
    "list": ("list.txt", lambda path: list(lines_of(path))),
    "class table": ("classes.yaml", read_class_table),
    "picture": ("a.png", read_file),
}
PASSED_OVER: dict[str, tuple[str, Read, object]] = {
    "best step": ("best.json", best_step, None),
    "best score": ("best.json", best_score, None),
    "result for a card": ("step-1.json", model_card._read, None),
    "counts": (label_counts.COUNTS_FILE, label_counts._read, {}),
}
NESTED: dict[str, tuple[str, Read]] = {
    **{name: READERS[name] for name in ("JSON", "label table", "result", "rig", "class table")},
    "model card": ("model_card.json", lambda path: read_card(path.parent)),
    "class weights": ("class_weights.json", weights_of_classes),
    "scenes": (SETTINGS_FILE, lambda path: write_street_scenes(path.parent, train=1, val=0)),
}
WRITERS: list[Callable[[Path], object]] = [
    refuse_unwritable,
    lambda path: write_text(path, "text"),
    lambda path: replace_folder(path, lambda folder: None),
]
DEEP = ("[" * 100_000, '{"a":' * 100_000, "- " * 40_000 + "a", '{"step": ' + "9" * 6000 + "}")


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """Fail a test that waits for a pipe, instead of waiting with it."""

    def late(*_: object) -> None:
        raise AssertionError("waited for")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def no_file(path: Path, kind: str) -> Path:
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/null")
    return path


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("name", READERS)
def test_a_pipe_or_a_device_is_refused(name: str, kind: str, tmp_path: Path) -> None:
    file, read = READERS[name]
    with pytest.raises(RoadsegError, match=file) as caught:
        read(no_file(tmp_path / file, kind))
    assert "no regular file" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("name", PASSED_OVER)
def test_what_a_run_can_do_without_is_passed_over(name: str, kind: str, tmp_path: Path) -> None:
    file, read, nothing = PASSED_OVER[name]
    assert read(no_file(tmp_path / file, kind)) == nothing


@pytest.mark.parametrize("text", DEEP, ids=["lists", "keys", "YAML", "digits"])
@pytest.mark.parametrize("name", NESTED)
def test_what_nests_without_end_is_refused(name: str, text: str, tmp_path: Path) -> None:
    file, read = NESTED[name]
    (tmp_path / file).write_text(text)
    with pytest.raises(RoadsegError, match=f"{file}|cannot keep scenes") as caught:
        read(tmp_path / file)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


@pytest.mark.parametrize("text", DEEP, ids=["lists", "keys", "YAML", "digits"])
@pytest.mark.parametrize("name", PASSED_OVER)
def test_nested_files_that_a_run_can_do_without_are_passed_over(
    name: str, text: str, tmp_path: Path
) -> None:
    file, read, nothing = PASSED_OVER[name]
    (tmp_path / file).write_text(text)
    assert read(tmp_path / file) == nothing


def test_aliases_that_unfold_are_refused_before_they_do(tmp_path: Path) -> None:
    lines = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    (tmp_path / "rig.yaml").write_text("\n".join(["a0: &a0 [x, x]", *lines]))
    with pytest.raises(RoadsegError, match=r"rig.yaml: it repeats an entry with \*"):
        find_rig(tmp_path / "rig.yaml")


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("write", WRITERS)
def test_nothing_takes_the_place_of_a_pipe_or_a_device(
    write: Callable[[Path], object], kind: str, tmp_path: Path
) -> None:
    path = no_file(tmp_path / "to", kind)
    with pytest.raises(RoadsegError, match="to: (cannot write here|not written|not exported)"):
        write(path)
    assert [path] == list(tmp_path.iterdir()) and not path.is_file() and not path.is_dir()
