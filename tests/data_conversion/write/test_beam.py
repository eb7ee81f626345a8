"""Apache Beam writes what the plain way writes, and refuses what it refuses."""

import importlib.util
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from roadseg.cli import main
from roadseg.data_conversion.write import beam as beam_module
from tests.data_conversion.support import first_image, small_cityscapes
from tests.data_conversion.write.test_shard_jobs import everything_in

TWO_PROCESSES = "--direct_num_workers=2 --direct_running_mode=multi_processing"


def convert(source: Path, to: Path, *options: str) -> int:
    return main(["convert", "cityscapes", "--source", str(source), "--to", str(to), *options])


def test_beam_that_is_not_installed_is_one_line_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    for options in (["--beam"], ["--beam-options=--runner=FlinkRunner"]):
        assert convert(tmp_path / "absent", tmp_path / "to", *options) == 2
        said = capsys.readouterr()
        assert said.err == (
            "error: --beam: apache_beam not installed; pip install 'roadseg[beam]'\n"
        )
        assert not said.out and not (tmp_path / "to").exists()


@pytest.fixture
def beam() -> None:
    pytest.importorskip("apache_beam", reason="the extra `beam` is not installed")


@pytest.mark.slow
@pytest.mark.usefixtures("beam")
@pytest.mark.parametrize("runner", ["", "--runner=DirectRunner", TWO_PROCESSES])
def test_beam_writes_the_same_bytes(tmp_path: Path, runner: str):
    city = small_cityscapes(tmp_path / "city", train=23, val=1)
    assert convert(city, tmp_path / "one", "--shards", "12") == 0
    assert (
        convert(city, tmp_path / "two", "--shards", "12", "--beam", f"--beam-options={runner}") == 0
    )
    assert everything_in(tmp_path / "two") == everything_in(tmp_path / "one")


@pytest.mark.slow
@pytest.mark.usefixtures("beam")
@pytest.mark.parametrize("runner", ["", TWO_PROCESSES])
def test_bad_input_is_the_same_line_on_beam(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], runner: str
):
    city = small_cityscapes(tmp_path / "city")
    path = first_image(city)
    path.write_bytes(path.read_bytes()[:-20])
    assert convert(city, tmp_path / "one") == 2
    plain = capsys.readouterr().err
    assert plain.startswith(f"error: {path}: truncated PNG")
    assert convert(city, tmp_path / "two", "--beam", f"--beam-options={runner}") == 2
    assert capsys.readouterr().err == plain
    assert not any((tmp_path / "two").iterdir())


@pytest.mark.usefixtures("beam")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--runner=NoRunner", "NoRunner: Unexpected pipeline runner"),
        ("--direct_num_workers=many", "argument --direct_num_workers: invalid"),
        ("--direct_num_worker=2", "DirectRunner has no option --direct_num_worker=2"),
        ("direct_num_workers=2", "DirectRunner has no option direct_num_workers=2"),
        ("--runner=DataflowRunner", "DataflowRunner: "),
    ],
)
def test_what_beam_does_not_take_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: str, message: str
):
    assert convert(tmp_path / "absent", tmp_path / "to", f"--beam-options={options}") == 2
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith(f"error: --beam-options {options!r}: {message}")
    assert line.endswith("; see Beam's own documentation for the options of a runner")
    assert not said.out and not (tmp_path / "to").exists()


def test_a_quote_that_is_not_closed_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert convert(tmp_path / "absent", tmp_path / "to", "--beam-options=--job_name='a") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('error: --beam-options "--job_name=\'a": No closing quotation; see')


def test_a_runner_that_fails_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def fail(*_: object) -> None:
        raise TimeoutError("nobody\nat flink:8081.")

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(beam_module, "_parsed", lambda flags: (None, flags[0], False))
    monkeypatch.setattr(beam_module, "_run", fail)
    city = small_cityscapes(tmp_path / "city")
    assert convert(city, tmp_path / "to", "--beam-options=--runner=FlinkRunner") == 2
    assert capsys.readouterr().err == (
        "error: --beam-options '--runner=FlinkRunner': TimeoutError: nobody at flink:8081; check "
        "that the runner can be reached, and see its own log\n"
    )
    assert not any((tmp_path / "to").iterdir())


@pytest.mark.slow
@pytest.mark.usefixtures("beam")
def test_a_runner_that_cannot_be_reached_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    city = small_cityscapes(tmp_path / "city")
    options = "--runner=PortableRunner --job_endpoint=localhost:1 --job_server_timeout=1"
    assert convert(city, tmp_path / "to", f"--beam-options={options}") == 2
    assert "FutureTimeoutError; check that the runner can be reached" in capsys.readouterr().err
    assert not any((tmp_path / "to").iterdir())


@pytest.mark.slow
@pytest.mark.usefixtures("beam")
@pytest.mark.parametrize("runner", ["", TWO_PROCESSES])
def test_an_end_in_the_middle_leaves_nothing(tmp_path: Path, runner: str):
    city, to = small_cityscapes(tmp_path / "city", train=400), tmp_path / "to"
    command = [sys.executable, "-m", "roadseg", "convert", "cityscapes", "--source", str(city)]
    command += ["--to", str(to), "--shards", "100", "--beam", f"--beam-options={runner}"]
    with (tmp_path / "said").open("w+") as said:
        process = subprocess.Popen(command, stderr=said)
        try:
            deadline = time.monotonic() + 600  # ends a hang
            while not any(to.rglob("*.note.json")):
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=600)
        finally:
            process.kill()
    assert process.returncode == 128 + signal.SIGTERM, (tmp_path / "said").read_text()
    time.sleep(3)  # for workers that would go on by themselves
    assert not any(to.iterdir())
