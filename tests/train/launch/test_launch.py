"""`roadseg launch` with workers that are shell scripts: what they are told, and how they end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from roadseg import cli
from roadseg.command_line import quiet
from roadseg.errors import RoadsegError
from roadseg.train.launch import command, workers
from roadseg.train.launch.group import one_status, run_group

# Says who it is, and ends as its environment wants: `exit 75` once its own file is there.
WORKER = """#!/bin/sh
test "$TF_CPP_MIN_LOG_LEVEL" && echo "not as it was given"
echo "$PWD $TF_CONFIG $*"
index=$(echo "$TF_CONFIG" | sed 's/.*"index": \\([0-9]*\\).*/\\1/')
trap 'echo "signal in $index"; exit 0' TERM
eval "$(cat do-$index 2>/dev/null)"
"""
# In place of ssh: its words are a machine and a command line for the shell there.
SSH = """#!/bin/sh
echo "ssh $1" >> asked
exec sh -c "$2"
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("worker", WORKER), ("ssh", SSH)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path / "worker"


def launch(program: Path, *options: str) -> int:
    """Run the command on one that trains nothing (--list is refused by none)."""
    return cli.main(["launch", "--program", str(program), *options, "--", "train", "--list"])


def configurations(printed: str) -> list[dict]:
    return [json.loads(line[line.index("{") : line.rindex("}") + 1]) for line in lines(printed)]


def lines(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if "cluster" in line]


def test_local_workers_are_told_of_each_other(
    program: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And of nothing that this process has set for itself."""
    monkeypatch.setattr(quiet, "_set_here", set())
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "")  # so that it is put back
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    assert launch(program, "--local", "3") == 0
    printed = capfd.readouterr().out
    assert "not as it was given" not in printed
    found = configurations(printed)
    assert {config["task"]["index"] for config in found} == {0, 1, 2}
    addresses = {tuple(config["cluster"]["worker"]) for config in found}
    assert len(addresses) == 1 and len(set(addresses.pop())) == 3
    assert all(line.endswith(" train --list") for line in lines(printed))
    assert sum(line.startswith("[1 here] ") for line in printed.splitlines()) == 1


def test_workers_on_other_machines_work_in_this_folder_and_are_told_of_each_other(
    program: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ssh = str(program.parent / "ssh")
    (program.parent / "a b").mkdir()
    folder = str(program.parent / "a b")
    options = ("--hosts", "me@far,near,near", "--port", "4000", "--directory", folder)
    assert launch(program, *options, "--ssh", ssh) == 0
    printed = capfd.readouterr().out
    for config in configurations(printed):
        assert config["cluster"]["worker"] == ["far:4000", "near:4000", "near:4001"]
    assert "roadseg launch: process" not in printed
    assert sorted((program.parent / "asked").read_text().splitlines()) == [
        "ssh me@far",
        "ssh near",
        "ssh near",
    ]
    assert all(folder in line for line in lines(printed))


@pytest.mark.parametrize("far", [False, True], ids=["here", "by ssh"])
def test_a_signal_is_handed_on_to_every_worker(far: bool, program: Path) -> None:
    for index in range(2):
        (program.parent / f"do-{index}").write_text(
            "echo ready-$index\nwhile :; do sleep 0.1; done"
        )
    where = ["--hosts", "a,b", "--ssh", str(program.parent / "ssh")] if far else ["--local", "2"]
    options = ["launch", "--program", str(program), *where, "--", "train", "--list"]
    with subprocess.Popen(
        [sys.executable, "-m", "roadseg", *options], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        ready = 0
        while ready < 2:
            ready += "ready-" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        output = process.stdout.read()
        assert process.wait(20) == 0
    assert "signal in 0" in output and "signal in 1" in output


def test_all_start_again_after_a_worker_was_lost_and_no_more_often_than_asked(
    program: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (program.parent / "do-0").write_text("exit 75")
    (program.parent / "do-1").write_text("echo x >> times\nkill -9 $$")
    assert launch(program, "--local", "2", "--restarts", "2") == 128 + signal.SIGKILL
    assert (program.parent / "times").read_text().count("x") == 3
    assert "worker 1 (here) ended by signal 9" in capfd.readouterr().err
    (program.parent / "do-1").write_text("echo x >> times\ntest $(wc -l < times) -ge 5 || exit 75")
    (program.parent / "do-0").write_text("sleep 1; test $(wc -l < times) -ge 5 || exit 75")
    assert launch(program, "--local", "2", "--restarts", "9") == 0
    assert (program.parent / "times").read_text().count("x") == 5


def test_bad_input_starts_nothing_again_and_ends_those_who_wait(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (program.parent / "do-0").write_text("exit 2")
    (program.parent / "do-1").write_text("while :; do sleep 0.1; done")
    before = time.monotonic()
    assert launch(program, "--local", "2", "--restarts", "2") == 2
    assert time.monotonic() - before < 12


def test_workers_that_do_not_end_are_made_to(monkeypatch: pytest.MonkeyPatch) -> None:
    from roadseg.train.launch import group

    monkeypatch.setattr(group, "PATIENCE_S", 0.2)
    monkeypatch.setattr(group, "ASK_S", 0.2)
    stuck = "trap '' TERM; while :; do sleep 0.1; done"
    made = [workers.Worker(i, "here", ["sh", "-c", s]) for i, s in enumerate(("exit 75", stuck))]
    assert run_group(made) == 128 + signal.SIGKILL


@pytest.mark.parametrize(
    ("found", "status"),
    [((0, 0), 0), ((75, 2), 2), ((-9, 75), 137), ((75, 0), 75), ((2, -9), 2), ((75, 143), 143)],
)
def test_one_status_says_what_to_do(found: tuple[int, ...], status: int) -> None:
    assert one_status(found) == status


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("-- train", "give one of --local N, --hosts A,B or --within NAME"),
        ("--local 2 --hosts a -- train", "give one of"),
        ("--local 2", "'' after --: only train and eval have several workers"),
        ("--local 2 -- predict run", "'predict' after --: only train and eval"),
        ("--local 2 -- eval run --follow", "--follow: of one process alone"),
        ("--local 2 -- eval --oracle", "--oracle: of one process alone"),
        ("--local 2 -- eval --model=a/b", "--model: of one process alone"),
        ("--local 2 -- eval run --sampler=previous", "--sampler previous: of one process alone"),
        ("--local 2 -- eval run --step x", "--step x: give a step"),
        ("--local -1 -- train --list", "--local -1: at least 1 process wanted"),
        ("--hosts a,,b -- train", "--hosts a,,b: '' is no name of a machine"),
        ("--hosts a,-oProxyCommand=x -- train", "'-oProxyCommand=x' is no name of a machine"),
        ("--hosts a:22 -- train", "'a:22' is no name of a machine"),
        ("--local 2 -- train --recipe nope", "no such recipe"),
        ("--within slurm -- train", "no SLURM_PROCID here; start it with srun"),
        ("--within kubernetes -- train", "is no pod of an Indexed Job"),
    ],
)
def test_what_cannot_be_launched_is_one_clear_line(words: str, message: str) -> None:
    with pytest.raises(RoadsegError) as refused:
        command.main(words.split())
    assert message in str(refused.value)


def test_gpus_are_shared_out_and_never_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    made = workers.local_workers(2, ["true"])
    assert [w.environment["CUDA_VISIBLE_DEVICES"] for w in made] == ["4,6", "5,7"]
    with pytest.raises(RoadsegError, match="--local 5: 4 GPU here, one process each"):
        workers.local_workers(5, ["true"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "CUDA_VISIBLE_DEVICES" not in workers.local_workers(2, ["true"])[0].environment
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
