"""What Slurm and Kubernetes tell a worker, and the files that start it there."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest
import yaml

from roadseg.errors import RoadsegError
from roadseg.runs.lost import WorkerLost
from roadseg.train.launch import command, schedulers

FOLDER = Path(schedulers.__file__).parent


def manifest() -> tuple[dict, dict]:
    service, job = yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text())
    return service, job


def test_a_pod_of_an_indexed_job_knows_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    monkeypatch.setattr(socket, "gethostname", lambda: "train-1")
    config = json.loads(schedulers.of_kubernetes(2, "roadseg", 23400))
    assert config == {
        "cluster": {"worker": ["train-0.roadseg:23400", "train-1.roadseg:23400"]},
        "task": {"type": "worker", "index": 1},
    }
    with pytest.raises(RoadsegError, match="--workers 1 and --service 'roadseg' in pod 1"):
        schedulers.of_kubernetes(1, "roadseg", 23400)
    with pytest.raises(RoadsegError, match="--service ''"):
        schedulers.of_kubernetes(2, "", 23400)


def test_the_manifest_agrees_with_itself_and_with_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service, job = manifest()
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    container = pod["containers"][0]
    name, *words = container["command"]
    before, after = command.cut(words)
    assert (name, before[0], after[0]) == ("roadseg", "launch", "train")
    arguments = command.parse(command.Arguments, before[1:], command="launch", example="")
    assert arguments.workers == spec["completions"] == spec["parallelism"]
    assert arguments.service == service["metadata"]["name"] == pod["subdomain"]
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    ports = {service["spec"]["ports"][0]["port"], container["ports"][0]["containerPort"]}
    assert ports == {arguments.port}
    rules = {
        tuple(rule["onExitCodes"]["values"]): rule["action"]
        for rule in spec["podFailurePolicy"]["rules"]
        if "onExitCodes" in rule
    }
    assert rules == {(RoadsegError.status,): "FailJob", (WorkerLost.status,): "Ignore"}
    assert f"--status-when-stopped={WorkerLost.status}" in after
    # What the API server refuses: other policies with these two.
    assert (spec["podReplacementPolicy"], pod["restartPolicy"]) == ("Failed", "Never")


def test_a_task_of_a_slurm_step_knows_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "SLURM_PROCID": "2",
        "SLURM_STEP_NODELIST": "n[08-09],gpu1",
        "SLURM_STEP_TASKS_PER_NODE": "1(x3)",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    config = json.loads(schedulers.of_slurm(23400))
    assert config == {
        "cluster": {"worker": ["n08:23400", "n09:23400", "gpu1:23400"]},
        "task": {"type": "worker", "index": 2},
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("n1", "n1"),
        ("n[1-3,7],gpu1", "n1 n2 n3 n7 gpu1"),
        ("z,n[099-101]-ib", "z n099-ib n100-ib n101-ib"),
        ("r[0-1]n[1-2]", "r0n1 r0n2 r1n1 r1n2"),
    ],
)
def test_lists_of_machines_keep_their_order(text: str, names: str) -> None:
    assert schedulers.expanded(text) == names.split()


def test_several_tasks_of_a_machine_have_ports_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLURM_PROCID", "3")
    monkeypatch.setenv("SLURM_STEP_NODELIST", "n[1-3]")
    monkeypatch.setenv("SLURM_STEP_TASKS_PER_NODE", "2,1(x2)")
    config = json.loads(schedulers.of_slurm(10))
    assert config["cluster"]["worker"] == ["n1:10", "n1:11", "n2:10", "n3:10"]


SRUN = """#!/bin/sh
echo "$@" >> "$STUBS/ran"
exit $(cat "$STUBS/status")
"""
SCONTROL = """#!/bin/sh
echo "$@" >> "$STUBS/requeued"
"""


@pytest.mark.parametrize(
    ("status", "restarts", "again"),
    [(0, 0, False), (2, 0, False), (75, 0, True), (137, 3, True), (75, 20, False)],
)
def test_the_slurm_script_goes_back_to_the_queue_where_that_helps(
    status: int, restarts: int, again: bool, tmp_path: Path
) -> None:
    """With scripts in place of srun and scontrol, which are not here."""
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "status").write_text(str(status))
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "STUBS": str(tmp_path),
        "SLURM_JOB_ID": "77",
        "SLURM_RESTART_COUNT": str(restarts),
    }
    words = ["bash", str(FOLDER / "slurm.sh"), "--recipe", "fast_seg/icnet", "--run", "a b"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    ran = (tmp_path / "ran").read_text()
    assert "launch --within slurm" in ran and f"--status-when-stopped {WorkerLost.status}" in ran
    assert ran.endswith("--recipe fast_seg/icnet --run a b\n")
    assert (tmp_path / "requeued").exists() == again
    if again:
        assert (tmp_path / "requeued").read_text() == "requeue 77\n"
