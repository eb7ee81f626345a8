"""`roadseg benchmark`: published counts come out, the table fits them, bad input is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf

from roadseg.errors import RoadsegError
from roadseg.eval.benchmark import command, latency
from roadseg.eval.benchmark.costs import run_cost
from roadseg.eval.benchmark.saved_model import SavedLabels
from roadseg.models.registry import MODELS, ModelSpec
from roadseg.runs.run_folder import RunFolder
from tests.eval.runs import write_records
from tests.eval.sampler_runs import density_run, prior_run
from tests.eval.small_runs import AUXILIARY, TABLE, small_run, tiny
from tests.support import assert_refused, weights_of_zeros

NETWORK = "deeplabv3_mobilenet_v2"
# nus.md, section 8: samples a side, stride, notebook's count, full count.
PUBLISHED = [
    (128, 16, 161_547_264, 162_791_424),
    (192, 16, 363_378_944, 366_178_304),
    (224, 8, 1_602_719_040, 1_639_043_328),
]


def rows(capsys: pytest.CaptureFixture[str], *argv: str) -> list[dict]:
    with weights_of_zeros():
        assert command.main([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)["rows"]


@pytest.mark.parametrize(("side", "stride", "notebook", "full"), PUBLISHED)
def test_published_operation_counts_come_out(
    capsys: pytest.CaptureFixture[str], side: int, stride: int, notebook: int, full: int
) -> None:
    option = f"output_stride={stride}"
    (row,) = rows(capsys, NETWORK, "--count", "--size", f"{side}x{side}", "--options", option)
    assert row["parameters"] == 2_113_043
    assert (row["macs_nus"], row["macs"]) == (notebook, full)


def test_networks_of_two_images_are_counted_and_not_timed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    argv = ("semshare_tight", "pwcnet", "--count", "--size", "1216x1920", "--num-classes", "6")
    tight, flow = rows(capsys, *argv)
    assert (tight["parameters"], flow["parameters"]) == (4_536_320, 3_754_074)
    with pytest.raises(RoadsegError, match="pwcnet takes two images.*--count"):
        command.main(["pwcnet"])


def test_samplers_add_what_they_cost(capsys: pytest.CaptureFixture[str]) -> None:
    argv = (NETWORK, "--count", "--size", "1024x1024", "--sampling-size", "128")
    uniform, published, density = rows(capsys, *argv)
    assert uniform["macs_nus"] == 161_547_264 and uniform["sampler_macs"] == 0
    assert published["macs_nus"] - uniform["macs_nus"] == 17_600_064
    assert published["parameters"] - uniform["parameters"] == 305_770
    for row in (published, density):
        assert row["macs"] == row["network_macs"] + row["sampler_macs"] > uniform["macs"]
        assert row["interpolation_macs"] == uniform["interpolation_macs"] > 0


def test_a_sampler_without_a_number_of_samples_is_not_dropped() -> None:
    with pytest.raises(RoadsegError, match="--sampler density: say how many .* --sampling-size"):
        command.main([NETWORK, "--count", "--size", "64x64", "--sampler", "density"])


def test_runs_of_samplers_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = write_records(tmp_path / "records", 1)
    runs = prior_run(tmp_path / "prior", records), density_run(tmp_path / "density", records)
    found = rows(capsys, *(str(run.path) for run in runs), "--count")
    names = [(row["name"], row["form"]) for row in found]
    assert names == [
        (name, form) for name in ("prior", "density") for form in ("as trained", "as evaluated")
    ]
    assert [row["macs"] > 0 for row in found] == [False, False, True, True]


def test_samples_of_any_aspect_and_shares_of_the_network_are_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    argv = [NETWORK, "--count", "--size", "360x480", "--sampler", "density", "prior"]
    density, prior = rows(capsys, *argv, "--sampling-size", "96x128")
    assert [row["sampling"] for row in (density, prior)] == ["density 96x128", "prior 96x128"]
    assert prior["sampler_macs"] < density["sampler_macs"] < density["network_macs"] / 10
    assert command.main([*argv, "--sampling-size", "96x128"]) == 0
    printed = capsys.readouterr().out
    share = 100 * density["sampler_macs"] / density["network_macs"]
    back = 100 * density["interpolation_macs"] / density["network_macs"]
    (line,) = (line for line in printed.splitlines() if "density 96x128" in line)
    assert f"{share:.1f} %" in line and f"{back:.1f} %" in line and "…" not in printed


def test_both_counts_are_printed_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([NETWORK, "--count", "--size", "128x128"]) == 0
    printed = capsys.readouterr().out
    assert all(number in printed for number in ("2,113,043", "161,547,264", "162,791,424"))
    assert "ms" not in printed.split("notebook's count:")[0].replace("columns", "")


def test_a_wide_image_costs_two_cameras(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run")
    one, two = run_cost(run), run_cost(run, (64, 128))
    assert (one.views, two.views) == (1, 2)
    assert two.macs == 2 * one.macs > 0


def test_a_run_is_counted_as_trained_and_as_evaluated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_run(tmp_path / "run")
    trained, evaluated = rows(capsys, str(tmp_path / "run"), "--count", "--size", "64x64")
    assert (trained["form"], evaluated["form"]) == ("as trained", "as evaluated")
    assert evaluated["macs"] > trained["macs"]


def test_graph_and_saved_model_are_timed_under_stated_conditions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_run(tmp_path / "run")
    argv = [str(tmp_path / "run"), "--size", "48x64", "--repeats", "2", "--warm-up", "1"]
    assert command.main([*argv, "--saved-model", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["form"] for row in report["rows"]] == ["graph", "SavedModel"]
    assert {"image", "batch", "device", "protocol"} <= set(report["conditions"])
    assert "threads" in report["conditions"]["device"]


def test_calls_after_those_to_warm_up_are_timed_and_quartiles_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = iter([0.9, 0.7, 0.004, 0.001, 0.003, 0.002, 0.005])
    now = {"wall": 10.0, "cpu": 3.0}

    def call() -> None:
        taken = next(seconds)
        now["wall"] += taken
        now["cpu"] += 2 * taken

    clock = SimpleNamespace(process_time=lambda: now["cpu"], perf_counter=lambda: now["wall"])
    monkeypatch.setattr(latency, "time", clock)
    found = latency.measure(call, warm_up=2, repeats=5)
    times = (found.low_ms, found.median_ms, found.high_ms, found.cpu_ms)
    assert times == pytest.approx((2, 3, 4, 6))
    assert next(seconds, None) is None


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "name networks"),
        (["deeplabv3_mobilenet_v3"], "did you mean deeplabv3_mobilenet_v2"),
        ([NETWORK, "--size", "1024"], "height x width"),
        ([NETWORK, "--options", "output_stride"], "name=value"),
        ([NETWORK, "--options", "stride=8"], "has no option 'stride'"),
        ([NETWORK, "--sampling-size", "1"], "--sampling-size 1: give height"),
        ([NETWORK, "--sampling-size", "8", "--sampler", "exact"], "--sampler exact: it samples by"),
        ([NETWORK, "--sampling-size", "8", "--sampler", "even"], "no sampler 'even'"),
        ([NETWORK, "--repeats", "0"], "at least 1"),
    ],
)
def test_bad_input_is_refused_in_one_line(argv: list[str], message: str) -> None:
    with pytest.raises(RoadsegError, match=message) as caught:
        command.main([*argv, *([] if "--repeats" in argv else ["--count"])])
    assert "\n" not in str(caught.value)


def count_of_a_saved_model(folder: Path) -> None:
    (folder / "saved_model.pb").touch()
    command.main([str(folder), "--count"])


def times_of_a_sampler(folder: Path) -> None:
    RunFolder(folder / "run").begin(AUXILIARY, TABLE)
    command.main([str(folder / "run"), "--size", "64x64"])


def samples_for_a_network_of_one_size(folder: Path) -> None:
    def fixed(num_classes: int) -> keras.Model:
        return tiny(num_classes, input_shape=(64, 64, 3))

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, "fixed", ModelSpec(fixed, parameters=0))
        command.main(["fixed", "--count", "--sampling-size", "32", "--sampler", "uniform"])


def a_saved_model_without_signatures(folder: Path) -> None:
    tf.saved_model.save(tf.Module(), str(folder))
    SavedLabels(folder)


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (count_of_a_saved_model, "a SavedModel cannot be counted; name the run it came from"),
        (times_of_a_sampler, "run: it learns sampling grids and labels nothing; use --count"),
        (samples_for_a_network_of_one_size, "--sampling-size 32: 'tiny' takes images of shape"),
        (a_saved_model_without_signatures, "no signature 'serving_default' from images to labels"),
    ],
)
def test_what_cannot_be_counted_or_timed_is_refused(
    refused: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    assert_refused(refused, message, tmp_path)
