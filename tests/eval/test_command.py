import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from roadseg import cli
from roadseg.runs.run_folder import RunFolder
from tests.eval.runs import add_checkpoint, begin_run, recipe, write_records


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return begin_run(tmp_path / "run", recipe(write_records(tmp_path / "records", count=1)))


def command(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Run `roadseg eval` in this process and return (status, output, errors)."""
    capsys.readouterr()
    try:
        status = cli.main(["eval", *map(str, arguments)])
    except SystemExit as leaving:
        status = int(leaving.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_one_evaluation_prints_tables_and_the_file(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    add_checkpoint(run, 10)
    status, out, _ = command(capsys, run.path)
    assert status == 0
    for text in ("mIoU (classes present)", "person", "within", "area (px)", "step-00000010.json"):
        assert text in out
    assert "\x1b" not in out and "…" not in out


def test_json_is_the_whole_output(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    add_checkpoint(run, 10)
    status, out, _ = command(capsys, run.path, "--json", "--protocol", "nus")
    values = json.loads(out)
    assert (status, values["step"], values["protocol"]["interpolation"]) == (0, 10, "delaunay")


def test_following_prints_a_line_for_each_checkpoint_and_ends(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in (10, 30):
        add_checkpoint(run, step)
    status, out, _ = command(capsys, run.path, "--follow", "--interval", "0")
    assert status == 0
    first, second = out.splitlines()
    assert first.startswith("step 10: miou 0.") and first.endswith("(best so far)")
    assert second.startswith("step 30: miou 0.")


def test_the_oracle_needs_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = write_records(tmp_path / "records", count=1)
    sizes = ("--sampling-size", "8", "16", "--sampler.alpha", "0.5", "0.9")
    status, out, _ = command(capsys, "--oracle", "--records", records, *sizes, "--json")
    assert status == 0
    assert len(json.loads(out)["rows"]) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--protocol", "kitti"), "no protocol 'kitti'"),
        (("--step", "soon"), "--step soon: give a step"),
        (("--split", "test"), "test"),
        (("--records", "nowhere"), "nowhere"),
        ((), "no checkpoint yet"),
        (("--step", "3", "--follow"), "--follow takes every step"),
    ],
)
def test_bad_input_is_one_error_line_and_status_2(
    run: RunFolder,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    status, out, err = command(capsys, run.path, *arguments)
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert (status, out, len(lines)) == (2, "", 1)
    assert message in lines[0]


def test_a_folder_that_is_no_run_is_one_error_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = command(capsys, tmp_path)
    assert status == 2 and err.startswith(f"error: {tmp_path}: no run here")


@pytest.mark.parametrize("arguments", [("--help",), ("--oracle", "--help")])
def test_help_begins_with_an_example_and_fits_a_screen(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    status, out, _ = command(capsys, *arguments)
    assert status == 0
    assert out.startswith("example: roadseg eval ")
    assert len(out.splitlines()) <= 45


def test_an_unknown_option_ends_with_status_2(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, _ = command(capsys, run.path, "--bogus")
    assert status == 2


def test_interrupting_a_watch_ends_it_with_one_word(run: RunFolder) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "roadseg.cli", "eval", str(run.path), "--follow"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        # A shell's background jobs ignore interrupts, and would hand that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("waiting for a new checkpoint"):
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(timeout=60) == 130
    assert rest.strip() == "interrupted"
    assert not list(run.path.glob(".held-*"))
