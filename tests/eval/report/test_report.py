"""`roadseg report`: one page that needs nothing else, escapes what it shows, and is complete."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.frames import Frame
from roadseg.eval.report import command
from roadseg.eval.report.charts import Series, bar_chart, confusion_chart, line_chart, nice_ticks
from roadseg.eval.report.comparison import comparison_table
from roadseg.eval.report.data import load_runs
from roadseg.eval.report.html import h, points, table
from roadseg.eval.report.pictures import choose, coarse
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.eval.tasks.segmentation import score_frames
from roadseg.files import write_text
from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe.protocol import Protocol
from roadseg.recipe.recipe import Recipe
from roadseg.runs.run_folder import RunFolder
from tests.eval.runs import write_records
from tests.eval.small_runs import RECIPE, TABLE, small_run

HOSTILE = "<script>alert('x')</script>"


class Page(HTMLParser):
    """Collects tags, ids, references and text, and checks that elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.references: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.references += [value for name, value in attrs if name in ("src", "href")]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def result(names: tuple[str, ...] = TABLE.names, wrong: float = 0.2) -> SegmentationResult:
    """Return the scores of four images, each with more wrong pixels than the one before it."""
    label = np.zeros((24, 32), np.uint8)
    label[8:, 4:12], label[4:20, 20:24] = 1, 2
    images = [np.full((24, 32, 3), number, np.uint8) for number in range(4)]
    rng = np.random.default_rng(0)

    def predict(batch: np.ndarray) -> list:
        shares = batch[:, 0, 0, 0] * wrong
        return [lambda s=s: np.where(rng.random(label.shape) < s, 0, label) for s in shares]

    frames = [Frame(f"val{number}", image, label) for number, image in enumerate(images)]
    scorer = score_frames(frames, predict, replace(TABLE, names=names), workers=1)
    origin = {"run": "run", "recipe": "small", "step": 20, "split": "val"}
    origin |= {"protocol": Protocol(interpolation="graph"), "limit": None}
    return SegmentationResult(**(scorer.values() | origin))


def scored_run(
    folder: Path, sampling: str = "uniform", table: LabelTable = TABLE, wrong: float = 0.2, **values
) -> RunFolder:
    """Return a run without checkpoints, with curves and one evaluation."""
    recipe: Recipe = RECIPE.replace(sampling={"kind": sampling}, **values)
    run = RunFolder(folder)
    run.begin(recipe, table)
    if sampling == "nus":
        aux = RECIPE.replace(task="sampling_grid", model="nus_sampler", sampler={"width": 0.1})
        RunFolder(folder / "auxiliary").begin(aux, table)
    for step in range(1, 21):
        run.append_metrics({"event": "train", "step": step, "loss": 1 / step, "learning_rate": 0.1})
    scores = result(table.names, wrong)
    event = {"split": "val", "protocol": "cityscapes", "limit": None}
    for step, miou in ((10, 0.1), (20, scores.miou)):
        run.append_metrics({"event": "evaluation", "step": step, "miou": miou, **event})
    write_text(run.evaluation_folder("val-cityscapes") / "step-00000020.json", scores.to_json())
    return run


def write_report(folder: Path, *runs: RunFolder, more: tuple[str, ...] = ()) -> str:
    argv = [str(run.path) for run in runs]
    assert command.main([*argv, "--to", str(folder / "report.html"), *more]) == 0
    return (folder / "report.html").read_text(encoding="utf-8")


def test_two_runs_stand_side_by_side_with_the_gain(tmp_path: Path) -> None:
    uniform = scored_run(tmp_path / "uniform")
    adaptive = scored_run(tmp_path / "nus", "nus", wrong=0.1)
    text = write_report(tmp_path, uniform, adaptive)
    page = Page(text)
    headings = re.findall("<h2>(.*?)</h2>", text)
    assert headings == [
        "Summary", "Training", "Classes", "Boundaries", "Object size", "Confusion", "Operations",
        "Recipe", "Labels",
    ]  # fmt: skip
    gain = points(result(wrong=0.1).miou - result(wrong=0.2).miou)
    assert gain.startswith("+") and f"({gain} points)" in text
    assert page.tags.count("svg") >= 8
    assert len(page.ids) == len(set(page.ids))


def test_nothing_is_fetched_from_anywhere(tmp_path: Path) -> None:
    text = write_report(tmp_path, scored_run(tmp_path / "run"))
    page = Page(text)
    assert all(reference.startswith(("#", "data:")) for reference in page.references)
    assert "script" not in page.tags and "link" not in page.tags
    assert not re.search(r"url\(|@import|https?://", text)


def test_links_of_the_contents_lead_somewhere(tmp_path: Path) -> None:
    page = Page(write_report(tmp_path, scored_run(tmp_path / "run")))
    anchors = [reference[1:] for reference in page.references if reference.startswith("#")]
    assert anchors and set(anchors) <= set(page.ids)


def test_names_that_are_markup_are_shown_as_text(tmp_path: Path) -> None:
    table_ = replace(TABLE, name=HOSTILE, names=("road", HOSTILE, '"><img src=x onerror=y>'))
    run = scored_run(tmp_path / "<b>run<b>", table=table_, source=HOSTILE, name=HOSTILE)
    text = write_report(tmp_path, run)
    page = Page(text)
    assert "script" not in page.tags and "img" not in page.tags and "b" in page.tags
    assert "<script" not in text and "&lt;script&gt;" in text and "<b>run" not in text


def test_a_run_that_was_not_evaluated_still_gives_its_curves(tmp_path: Path) -> None:
    run = scored_run(tmp_path / "run")
    (run.evaluation_folder("val-cityscapes") / "step-00000020.json").unlink()
    text = write_report(tmp_path, run)
    Page(text)
    assert "<h2>Training</h2>" in text and "<h2>Classes</h2>" not in text


def test_absent_records_cost_the_pictures_alone(tmp_path: Path) -> None:
    run = scored_run(tmp_path / "run", records=str(tmp_path / "gone"))
    text = write_report(tmp_path, run)
    assert "No pictures:" in text and "gone" in text and "<h2>Classes</h2>" in text


@pytest.fixture(scope="module")
def pictured_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return an adaptive run that really was evaluated on records."""
    from roadseg.eval.evaluation import Evaluation
    from roadseg.eval.watch import evaluate_and_store

    folder = tmp_path_factory.mktemp("pictured")
    records = write_records(folder / "records", 4, table=TABLE)
    recipe = RECIPE.replace(
        sampling={"kind": "nus"}, records=str(records), augment={"crop_size": (48, 64)}
    )
    run = small_run(folder / "run", recipe)
    assert evaluate_and_store(Evaluation(run), 20) is not None
    return run


def test_worst_and_best_images_are_shown_with_samples_and_mesh(
    tmp_path: Path, pictured_run: RunFolder
) -> None:
    text = write_report(tmp_path, pictured_run, more=("--pictures", "1"))
    Page(text)
    assert "<h2>Images</h2>" in text and "<h2>Sampling</h2>" in text
    shown = re.findall(r'alt="(.*?)"', text)
    for what in ("image", "label", "prediction", "sampling points", "wrong pixels", "mesh"):
        assert sum(what in alt for alt in shown) == 2, what
    assert text.count("<h3>Worst:") == text.count("<h3>Best:") == 1


def test_no_pictures_on_request(tmp_path: Path, pictured_run: RunFolder) -> None:
    assert "<img" not in write_report(tmp_path, pictured_run, more=("--pictures", "0"))


def test_no_image_is_both_worst_and_best() -> None:
    scores = [{"a": 0.1, "b": 0.5, "c": 0.9}, {"a": 0.3, "b": float("nan"), "c": 0.7}]
    assert choose(scores, 3) == {"a": "worst", "c": "best"}
    assert choose([{"a": 0.1}], 2) == {"a": "worst"}
    assert choose([], 2) == {}


def test_a_coarse_mesh_keeps_the_rim() -> None:
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 64), np.linspace(0, 1, 32), indexing="ij"), -1)
    mesh = coarse(grid)
    assert mesh.shape == (9, 9, 2)
    np.testing.assert_array_equal(mesh[-1, -1], [1, 1])


@pytest.mark.parametrize(
    ("arrange", "message"),
    [
        (lambda folder: [folder / "nowhere"], "no run here"),
        (lambda folder: [scored_run(folder / "a").path] * 2, "named twice"),
        (lambda folder: [scored_run(folder / "a").path, "--evaluation", "x"], "there are: val-"),
        (lambda folder: [scored_run(folder / "a").path, "--step", "7"], "there are: 20"),
        (lambda folder: [scored_run(folder / "a").path, "--pictures", "-1"], "give 0 or more"),
    ],
)
def test_bad_input_is_refused(tmp_path: Path, arrange: Callable, message: str) -> None:
    argv = [str(part) for part in arrange(tmp_path)]
    with pytest.raises(RoadsegError, match=message):
        command.main([*argv, "--to", str(tmp_path / "report.html")])
    assert not (tmp_path / "report.html").exists()


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    runs = [scored_run(tmp_path / parent / "run") for parent in ("a", "b")]
    names = [run.name for run in load_runs([run.path for run in runs])]
    assert names == ["a/run", "b/run"]


def test_a_curve_never_mixes_protocols_and_keeps_the_last_value(tmp_path: Path) -> None:
    run = scored_run(tmp_path / "run")
    other = {"split": "val", "protocol": "nus", "limit": None}
    run.append_metrics({"event": "evaluation", "step": 15, "miou": 0.9, **other})
    run.append_metrics({"event": "train", "step": 5, "loss": 7.0})
    (loaded,) = load_runs([run.path])
    assert loaded.curve("evaluation", "miou")[0] == [10.0, 20.0]
    assert loaded.curve("train", "loss")[1][4] == 7.0


def test_the_comparison_table_sets_adaptive_against_uniform(tmp_path: Path) -> None:
    from rich.console import Console

    uniform = scored_run(tmp_path / "uniform")
    adaptive = scored_run(tmp_path / "nus", "nus", wrong=0.1)
    rich_table, rows = comparison_table([uniform.path, adaptive.path], latency=False)
    assert [row.sampling for row in rows] == ["uniform 32x32", "nus 32x32"]
    assert rows[1].miou > rows[0].miou and rows[1].macs > rows[0].macs
    assert rows[0].miou_small == pytest.approx(result().iou["person"])
    console = Console(width=140, record=True)
    console.print(rich_table)
    printed = console.export_text()
    gain = f"{100 * (rows[1].miou - rows[0].miou):+.2f}"
    assert gain in next(line for line in printed.splitlines() if "gain of" in line)


def test_the_comparison_times_what_it_compares(tmp_path: Path) -> None:
    _, (row,) = comparison_table([small_run(tmp_path / "run").path])
    assert row.latency_ms > 0 and np.isnan(row.miou)


def test_charts_leave_gaps_for_nan_and_nothing_for_no_value() -> None:
    gap = Series("a", [0, 1, 2, 3, 4], [1, 2, float("nan"), 3, 4])
    drawn = line_chart([gap], title="t", x_label="x", y_label="y")
    assert drawn.count("<polyline") == 2 and "nan" not in drawn
    none = Series("a", [1], [float("nan")])
    assert line_chart([none], title="t", x_label="x", y_label="y") == ""
    bars = bar_chart([Series("a", [0, 1], [0.5, float("nan")])], ["p", "q"],
                     title="t", x_label="x", y_label="y")  # fmt: skip
    assert bars.count("<rect") == 1 and "nan" not in bars


def test_names_in_charts_are_escaped() -> None:
    one = Series(HOSTILE, [0.0], [0.5], markers=True)
    drawn = line_chart([one], title=HOSTILE, x_label=HOSTILE, y_label=HOSTILE)
    drawn += bar_chart([one], [HOSTILE], title=HOSTILE, x_label="x", y_label="y", notes=[HOSTILE])
    drawn += confusion_chart([[1]], [HOSTILE], HOSTILE)
    assert "<script" not in drawn
    Page(drawn)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (3, 47, [10, 20, 30, 40]),
        (0, 0.0037, [0, 0.001, 0.002, 0.003]),
    ],
)
def test_ticks_are_round_numbers_inside_the_range(low: float, high: float, ticks: list) -> None:
    found = nice_ticks(low, high)
    assert all(low <= tick <= high for tick in found)
    assert found == pytest.approx(ticks)


def test_text_is_escaped_and_markup_is_not_escaped_twice() -> None:
    assert h("p", "<b>", h("i", "&"), title='"') == '<p title="&quot;">&lt;b&gt;<i>&amp;</i></p>'
    assert "<td>&lt;x&gt;</td>" in table(["a", "b"], [["1", "<x>"]])


def test_confusion_shares_are_those_of_the_row() -> None:
    drawn = confusion_chart([[3, 1], [0, 0]], ["a", "b"], "t")
    assert "a taken for b: 25.00% of 4 pixels" in drawn and "b taken for a: 0.00%" in drawn


def test_results_are_read_back_as_written(tmp_path: Path) -> None:
    run = scored_run(tmp_path / "run")
    (loaded,) = load_runs([run.path])
    assert loaded.segmentation is not None
    assert json.loads(loaded.segmentation.to_json()) == json.loads(result().to_json())
