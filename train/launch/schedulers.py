"""TF_CONFIG, by which TensorFlow knows its workers, from what schedulers tell their processes."""

import json
import os
import re
import socket
from collections.abc import Sequence

from roadseg.errors import RoadsegError


def tf_config(addresses: Sequence[str], index: int) -> str:
    """Return TF_CONFIG of worker `index` of those at `addresses` (host:port)."""
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": task})


def of_slurm(port: int) -> str:
    """Return TF_CONFIG of this task of a Slurm step.

    port: of the first task of a machine; the next ones have the next ports.
    TensorFlow's SlurmClusterResolver sorts the machines by name; Slurm numbers its tasks by the
    order of the list, in which a cluster with several kinds of names has another order.
    Raises RoadsegError outside of a step.
    """
    names = ("SLURM_PROCID", "SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE")
    absent = [name for name in names if name not in os.environ]
    if absent:
        raise RoadsegError(f"--within slurm: no {absent[0]} here; start it with srun")
    rank, hosts, tasks = (os.environ[name] for name in names)
    counts = tasks_of_hosts(tasks)
    addresses = [
        f"{host}:{port + i}"
        for host, count in zip(expanded(hosts), counts, strict=True)
        for i in range(count)
    ]
    return tf_config(addresses, int(rank))


def expanded(hosts: str) -> list[str]:
    """Return the names in Slurm's list of machines: 'n[08-09,12],gpu1' are n08, n09, n12, gpu1."""
    found = []
    for part in re.findall(r"(?:[^,\[]|\[[^\]]*\])+", hosts):
        head, bracket, rest = part.partition("[")
        ranges, _, tail = rest.partition("]")
        for first, _, last in (r.partition("-") for r in ranges.split(",")):
            span = range(int(first), int(last or first) + 1) if bracket else [""]
            numbers = [str(n).zfill(len(first)) for n in span]
            found += [head + number + end for number in numbers for end in expanded(tail) or [""]]
    return found


def tasks_of_hosts(text: str) -> list[int]:
    """Return Slurm's numbers of tasks for each machine: '2(x3),1' are 2, 2, 2, 1."""
    parts = [re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", part) for part in text.split(",")]
    return [int(m[1]) for m in parts if m for _ in range(int(m[2] or 1))]


def of_kubernetes(workers: int, service: str, port: int) -> str:
    """Return TF_CONFIG of this pod of an Indexed Job behind a headless service.

    Such a Job calls its pods JOB-INDEX, and the service makes JOB-INDEX.SERVICE their address.
    Raises RoadsegError in any other pod.
    """
    host, index = socket.gethostname(), os.environ.get("JOB_COMPLETION_INDEX", "")
    job = host.removesuffix(f"-{index}")
    if not index.isdigit() or job == host:
        raise RoadsegError(
            f"--within kubernetes: host '{host}' with JOB_COMPLETION_INDEX '{index}' is no pod of "
            "an Indexed Job; see docs/guides/multi_machine.md"
        )
    if not service or int(index) >= workers:
        raise RoadsegError(
            f"--within kubernetes: --workers {workers} and --service '{service}' in pod {index}; "
            "give the Job's completions and the name of its headless service"
        )
    return tf_config([f"{job}-{i}.{service}:{port}" for i in range(workers)], int(index))
