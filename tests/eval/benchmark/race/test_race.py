"""`roadseg benchmark --against`: from the command line to the table, with workers that are none."""

import contextlib
import json
import multiprocessing
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.benchmark import command
from roadseg.eval.benchmark.race import labellers, plot, race, workers
from roadseg.eval.benchmark.race.contestants import Contestant, Setting, as_files, contestants
from roadseg.eval.benchmark.race.labellers import Labeller
from roadseg.eval.benchmark.race.pixels import InputOptions
from roadseg.eval.benchmark.race.race import Judge, Result, accuracies
from roadseg.eval.benchmark.race.table import ratio_lines
from roadseg.eval.benchmark.race.turns import Lap, Laps, Ratio
from roadseg.inference import runtime_files as files
from roadseg.label_tables import LabelTable

OURS = Contestant("ours", "file", "ours.onnx", "ONNX Runtime")
THEIRS = Contestant("theirs.xml", "file", "theirs.xml", "OpenVINO", ours=False)
MS = {"ours": 20.0, "theirs.xml": 50.0}
TABLE = LabelTable("two", ("road", "sky"), ((0, 0, 0), (1, 1, 1)))


class Still:
    """A worker that is no process and takes the time it is told to."""

    names: tuple[str, ...] | None = None

    def __init__(self, contestant: Contestant) -> None:
        self.contestant = contestant
        self.number = 0

    def lap(self) -> Lap:
        self.number += 1
        ms = MS[self.contestant.name] * (1 + self.number % 3)
        return Lap(ms, 2 * ms, ms / 2)

    def label(self, image: np.ndarray) -> np.ndarray:
        labels = (image[..., 0] > 127).astype(np.int32)
        return labels if self.contestant.ours else np.zeros_like(labels)


@pytest.fixture
def raced(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Race still workers; returns what they were told."""
    told: dict[str, Any] = {}

    @contextlib.contextmanager
    def still(
        found: Sequence[Contestant], setting: Setting, image: np.ndarray
    ) -> Iterator[list[Still]]:
        told.update(setting=setting, image=image)
        yield [Still(one) for one in found]

    monkeypatch.setattr(race, "started", still)
    monkeypatch.setattr(
        "roadseg.eval.benchmark.race.command.contestants", lambda *_: [OURS, THEIRS]
    )
    return told


def test_the_table_has_both_and_the_ratio_of_what_was_measured_together(raced, capsys):
    argv = ["ours", "--against", "theirs.xml", "--size", "64x96", "--threads", "1"]
    argv += ["--repeats", "9", "--file-values", "unit", "--file-colours", "bgr"]
    assert command.main(argv) == 0
    printed = capsys.readouterr().out
    assert "ours is 2.50 times as fast as theirs.xml (2.50 to 2.50)" in printed
    assert "image: 64x96" in printed and "1 threads each" in printed and "mIoU" not in printed
    assert raced["image"].shape == (64, 96, 3)
    assert raced["setting"].inputs == InputOptions(values="unit", colours="bgr")


def test_where_one_lies_in_the_interval_the_line_says_that_neither_is_shown_to_be_faster():
    level = Result(OURS, Laps([Lap(1, 1, 1)] * 5), {"theirs.xml": Ratio(1.04, 0.98, 1.39)})
    assert ratio_lines([level]) == [
        "ours is 1.04 times as fast as theirs.xml (0.98 to 1.39: neither is shown to be faster)"
    ]


def test_networks_race_as_files_too_where_formats_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def write(network: str, classes: int, size: Any, options: Any, formats: Any, to: Path) -> None:
        asked.append((network, classes, size, options))
        for name, file in zip(formats, ("model.xml", "model.onnx"), strict=True):
            (to / name).mkdir(parents=True)
            (to / name / file).touch()

    monkeypatch.setattr("roadseg.eval.benchmark.runtimes.write_labels", write)
    found = [*contestants(["camvid", "fast_scnn"], []), THEIRS]
    setting = Setting(1, 0, num_classes=5, options={"normalisation": "rgb"})
    raced = as_files(found, ("openvino", "onnx"), setting, (64, 96), tmp_path)
    assert asked == [("fast_scnn", 5, (64, 96), {"normalisation": "rgb"})]
    assert [(one.name, one.runtime, one.ours) for one in raced] == [
        ("camvid", "Keras graph", True),
        ("fast_scnn", "Keras graph", True),
        ("fast_scnn, openvino", "OpenVINO", True),
        ("fast_scnn, onnx", "ONNX Runtime", True),
        ("theirs.xml", "OpenVINO", False),
    ]
    assert Path(raced[2].source) == tmp_path / "fast_scnn" / "openvino" / "model.xml"


def test_formats_are_of_networks_by_name():
    with pytest.raises(RoadsegError, match="--formats: of networks by name"):
        command.main(["camvid", "--formats", "onnx", "--size", "64x96"])


def test_files_of_one_size_want_images_of_one_size(tmp_path, monkeypatch):
    (tmp_path / "val-00000-of-00001.tfrecord").touch()
    unlike = SimpleNamespace(records=SimpleNamespace(image_size=None))
    monkeypatch.setattr(race, "open_judge", lambda *_: unlike)
    with pytest.raises(RoadsegError, match="--formats: the images of the records have no one size"):
        command.main(["fast_scnn", "--formats", "onnx", "--records", str(tmp_path)])


def test_json_holds_every_lap(raced, capsys):
    argv = ["ours", "--against", "theirs.xml", "--size", "64x96", "--repeats", "6", "--json"]
    assert command.main(argv) == 0
    ours, theirs = json.loads(capsys.readouterr().out)["rows"]
    assert ours["ratios"]["theirs.xml"]["value"] == pytest.approx(2.5) and not theirs["ratios"]
    # Each was called once before the first round.
    assert ours["laps_ms"] == [60, 20, 40, 60, 20, 40] and ours["median_ms"] == 40
    assert ours["file_ms"] == 20 and ours["ours"] and not theirs["ours"]


def result(contestant: Contestant, miou: float | None) -> Result:
    ms = MS[contestant.name]
    return Result(contestant, Laps([Lap(ms, ms, ms)] * 5), {}, miou)


def test_the_plot_has_a_named_mark_for_each_in_the_colour_of_its_side(tmp_path: Path) -> None:
    results = [result(OURS, 0.6), result(THEIRS, 0.4)]
    plot.write_plot(tmp_path / "race.svg", results)
    drawn = ElementTree.parse(tmp_path / "race.svg").getroot()
    kinds = [one.get("class") for one in drawn.iter(f"{{{plot.NAMESPACE}}}circle")]
    texts = {one.text for one in drawn.iter(f"{{{plot.NAMESPACE}}}text")}
    assert kinds == ["mark c0", "mark c1"] and {"ours", "theirs.xml", "mIoU (%)"} <= texts


def test_a_png_is_the_same_drawing(tmp_path: Path) -> None:
    import cv2

    results = [result(OURS, 0.6), result(THEIRS, 0.4)]
    plot.write_plot(tmp_path / "race.png", results)
    image = cv2.imread(str(tmp_path / "race.png"))[..., ::-1]
    assert image.shape == (plot.SCALE * plot.HEIGHT, plot.SCALE * plot.WIDTH, 3)
    for mark in ElementTree.fromstring(plot.chart(results)).iter(f"{{{plot.NAMESPACE}}}circle"):
        x, y = (round(plot.SCALE * float(mark.get(name))) for name in ("cx", "cy"))
        colour = plot.COLOURS[int(mark.get("class")[-1])]
        assert "#" + bytes(image[y, x]).hex() == colour


def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    label = np.zeros((8, 12), np.uint8)
    label[:4] = 1
    image = np.repeat(label[..., None] * 255, 3, 2)
    monkeypatch.setattr(race, "_frames", lambda judge, limit: iter([(image, label)] * 2))

    class Records:
        label_table = TABLE

    return Judge(Records(), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [None, (16, 24)])
def test_accuracy_is_counted_at_the_size_of_the_right_labels(monkeypatch, size):
    found = accuracies([Still(OURS), Still(THEIRS)], judge(monkeypatch), size)
    assert found == [1.0, pytest.approx(0.25)]


def test_classes_that_are_known_to_be_others_are_refused(monkeypatch):
    worker = Still(OURS)
    worker.names = ("road", "tree")
    with pytest.raises(RoadsegError, match=r"ours: its classes are others .*\('two'\)"):
        accuracies([worker], judge(monkeypatch), None)


def served(monkeypatch: pytest.MonkeyPatch, labeller: Any) -> Any:
    """Return the near end of a pipe that `serve` answers with `labeller`, in a thread."""
    monkeypatch.setattr(labellers, "labeller_of", lambda *_: labeller())
    monkeypatch.setattr(workers.os, "dup2", lambda *_: None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    near, far = multiprocessing.Pipe()
    image = np.zeros((4, 6, 3), np.uint8)
    arguments = (far, OURS, Setting(1, 2), image, False)
    threading.Thread(target=workers.serve, args=arguments, daemon=True).start()
    return near


def test_a_worker_answers_laps_and_labels(monkeypatch):
    calls = []

    def labeller() -> Labeller:
        return Labeller(
            lambda image: calls.append(image.shape) or image,
            lambda given: given,
            lambda found, size: found[..., 0],
            ("road",),
        )

    near = served(monkeypatch, labeller)
    assert near.recv() == (True, ("road",)) and len(calls) == 2
    near.send(None)
    good, lap = near.recv()
    assert good and lap.ms >= lap.file_ms >= 0
    near.send(np.full((2, 2, 3), 7, np.uint8))
    good, labels = near.recv()
    assert good and (labels == 7).all()
    near.close()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RoadsegError("model.onnx: damaged; copy it"), "model.onnx: damaged; copy it"),
        (ValueError("no\nkernel"), "ours: ONNX Runtime fails (no kernel); try another --size"),
    ],
)
def test_a_worker_says_why_it_cannot(monkeypatch, error, message):
    def labeller() -> Labeller:
        raise error

    assert served(monkeypatch, labeller).recv() == (False, message)


class Gone:
    """A process that was killed."""

    exitcode = -9

    def join(self, patience: float | None = None) -> None:
        pass


def worker(answer: Any) -> workers.Worker:
    class Connection:
        def recv(self) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

    made = workers.Worker.__new__(workers.Worker)
    made.contestant, made._connection, made._process = OURS, Connection(), Gone()
    return made


def test_a_process_that_died_or_refused_is_told_in_one_line() -> None:
    with pytest.raises(RoadsegError, match="ours: ONNX Runtime ended with status -9 .*memory"):
        worker(EOFError()).wait()
    with pytest.raises(RoadsegError, match="^why; way out$"):
        worker((False, "why; way out")).wait()


@pytest.mark.slow  # a process that loads its runtime
def test_two_processes_race(tmp_path: Path, capsys) -> None:
    pytest.importorskip("onnxruntime")
    from tests.eval.benchmark.race.test_files import write_onnx

    for name in ("ours.onnx", "theirs.onnx"):
        write_onnx(tmp_path / name)
    argv = [str(tmp_path / "ours.onnx"), "--against", str(tmp_path / "theirs.onnx"), "--json"]
    argv += ["--size", "64x96", "--repeats", "5", "--file-output", "logits"]
    assert command.main(argv) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [len(row["laps_ms"]) for row in rows] == [5, 5]
    assert all(0 < row["file_ms"] <= row["median_ms"] for row in rows)


def test_names_are_networks_presets_exports_runs_and_files(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(files, "is_installed", lambda package: True)
    for name in ("onnx", "saved", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "onnx" / "model.onnx").touch()
    (tmp_path / "saved" / "saved_model.pb").touch()
    names = ["fast_scnn", "camvid", *(str(tmp_path / name) for name in ("onnx", "saved", "run"))]
    names.append(str(tmp_path / "onnx" / "model.onnx"))
    found = contestants(names, [str(tmp_path / "onnx" / "model.onnx"), str(tmp_path / "saved")])
    kinds = ["network", "preset", "file", "saved_model", "run", "file", "file", "saved_model"]
    assert [one.kind for one in found] == kinds
    assert [one.ours for one in found] == [True] * 6 + [False] * 2
    assert found[2].source == found[5].source


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--against", "theirs.onnx"], "nothing of ours to race"),
        (["espnet", "--against", "theirs.onnx"], r"theirs\.onnx: no such file"),
        (["espnet", "--against", "theirs"], "theirs: no file that can be timed"),
        (["espnett", "--against", "x.onnx"], "no network 'espnett'; did you mean espnet"),
        (["espnet", "--against", "x.onnx", "--options", "z=1"], "espnet has no option 'z'"),
        (["espnet", "--against", "x.onnx", "--count"], "--count: not in a race"),
        (["espnet", "--against", "x.onnx", "--sampling-size", "8"], "--sampling-size: not in a"),
        (["espnet", "--against", "x.onnx", "--batch-size", "2"], "--batch-size: a race is of one"),
        (["espnet", "--against", "x.onnx", "--repeats", "4"], "--repeats 4 .*needs 5 rounds"),
        (["espnet", "--against", "x.onnx", "--max-images", "0"], "--max-images 0: at least 1"),
        (["espnet", "--against", "x.onnx", "--file-std", "1", "0", "1"], "--file-std .*above 0"),
        (["espnet", "--against", "x.onnx", "--plot", "a.svg"], "--plot: .*give --records"),
        (["espnet", "--against", "x.onnx", "--plot", "a.pdf"], "a.pdf: .*end it in .png or .svg"),
        (["espnet", "--against", "x.onnx", "--records", "nowhere"], "nowhere"),
        (["espnet", "--threads", "0"], "--threads 0: at least 1"),
    ],
)
def test_bad_input_is_refused_in_one_line_before_anything_is_loaded(argv, message):
    with pytest.raises(RoadsegError, match=message) as caught:
        command.main(argv)
    assert "\n" not in str(caught.value)
