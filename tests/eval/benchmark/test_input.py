"""`roadseg benchmark --input`: what the process that times has found, as a table with ratios."""

import json
import subprocess
from pathlib import Path

import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.benchmark import command

FOUND = {
    "rounds": {"ours": [[2.0, 4.0]] * 5, "opencv": [[5.0, 12.0]] * 5},
    "images": 48,
    "image_size": [1024, 2048],
    "format": "PNG",
    "inflate": "zlib",
}


def answer(monkeypatch: pytest.MonkeyPatch, done: subprocess.CompletedProcess) -> list[str]:
    called: list[str] = []

    def run(argv: list[str], **_: object) -> subprocess.CompletedProcess:
        called.extend(argv)
        return done

    monkeypatch.setattr(subprocess, "run", run)
    return called


def test_speeds_and_ratios_are_printed(tmp_path: Path, monkeypatch, capsys) -> None:
    done = subprocess.CompletedProcess([], 0, "notice\n" + json.dumps(FOUND), "")
    called = answer(monkeypatch, done)
    argv = ["--input", str(tmp_path), "--size", "64x96", "--threads", "3", "--repeats", "7"]
    assert command.main([*argv, "--input-cache", "decoded"]) == 0
    printed = capsys.readouterr().out
    lines = [line.split("|")[1:4] for line in printed.splitlines() if line.startswith("| ")]
    assert [cell.strip() for cell in lines[1]] == ["roadseg", "24.0", "12.0"]
    assert [cell.strip() for cell in lines[2]] == ["OpenCV + NumPy", "9.6", "4.0"]
    assert "2.50 times as fast as OpenCV + NumPy (2.50 to 2.50) by the clock" in printed
    assert "3.00 times as fast as OpenCV + NumPy (3.00 to 3.00) by processor time" in printed
    assert called[3:] == [
        *(str(tmp_path), "--crop", "64", "96", "--split", "train"),
        *("--rounds", "7", "--threads", "3", "--cache", "decoded"),
    ]


def test_json_has_the_rounds(tmp_path: Path, monkeypatch, capsys) -> None:
    answer(monkeypatch, subprocess.CompletedProcess([], 0, json.dumps(FOUND), ""))
    assert command.main(["--input", str(tmp_path), "--json"]) == 0
    ours, other = json.loads(capsys.readouterr().out)["rows"]
    assert ours["cpu_ratio"]["value"] == pytest.approx(3) and len(other["rounds"]) == 5


def test_what_the_process_says_is_the_error(tmp_path: Path, monkeypatch) -> None:
    said = "error: records: no split 'train'; there are val\n"
    answer(monkeypatch, subprocess.CompletedProcess([], 2, "", "warning\n" + said))
    with pytest.raises(RoadsegError, match="^records: no split 'train'; there are val$"):
        command.main(["--input", str(tmp_path)])


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["espnet", "--input", "."], "--input: .*leave networks out"),
        (["--input", "nowhere"], "nowhere: no such folder; give records, or one of pictures"),
        (["--input", ".", "--repeats", "3"], "--repeats 3: .*needs 5 rounds or more"),
    ],
)
def test_bad_input_is_refused(argv: list[str], message: str) -> None:
    with pytest.raises(RoadsegError, match=message) as caught:
        command.main(argv)
    assert "\n" not in str(caught.value)


@pytest.mark.slow  # a process of its own
def test_the_process_times_records(tmp_path: Path, capsys) -> None:
    from tests.train import tiny

    folder = tiny.write_records(tmp_path / "records")
    argv = ["--input", str(folder), "--size", "16x16", "--repeats", "5", "--threads", "1", "--json"]
    assert command.main(argv) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert all(row["images_per_second"] > 0 for row in rows)
