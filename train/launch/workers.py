"""How one worker is started and signalled: as a process here, or through ssh."""

import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roadseg.command_line.quiet import given_environment
from roadseg.errors import RoadsegError
from roadseg.train.launch.schedulers import tf_config


@dataclass
class Worker:
    """One worker of a group: its number, where it is, and how it is started."""

    number: int
    host: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ssh: Sequence[str] = ()
    """What signals it, with its machine as the last word; empty: a process here."""
    process: subprocess.Popen[str] | None = None
    remote: int = 0
    """Its process on the other machine, once it has told."""

    def start(self) -> None:
        """Start it, in a session of its own: Ctrl-C comes to it through the launcher, once."""
        self.remote = 0
        # The first one has the terminal, for its bar, but where its first line has to be read.
        shown = self.number == 0 and not self.ssh
        self.process = subprocess.Popen(
            self.command,
            env={**given_environment(), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=None if shown else subprocess.PIPE,
            stderr=None if shown else subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            start_new_session=True,
        )

    def send(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self.process is None or self.process.poll() is not None:
            return
        if self.ssh and self.remote:
            name = signal.Signals(number).name.removeprefix("SIG")
            subprocess.run(
                [*self.ssh, f"kill -{name} {self.remote}"], stdin=subprocess.DEVNULL, check=False
            )
        else:
            self.process.send_signal(number)

    def show(self) -> None:
        """Print its lines until it ends, those of all but the first with its number."""
        if self.process is None or self.process.stdout is None:
            return
        begin = f"[{self.number} {self.host}] " if self.number else ""
        for line in self.process.stdout:
            if line.startswith(TOLD):
                self.remote = int(line.removeprefix(TOLD))
            else:
                print(f"{begin}{line}", end="", flush=True)


TOLD = "roadseg launch: process "
"""First line of a worker on another machine: how it can be signalled."""


def local_workers(count: int, command: Sequence[str]) -> list[Worker]:
    """Return `count` workers on this machine, on free ports, with its GPUs shared out."""
    addresses = [f"localhost:{port}" for port in free_ports(count)]
    devices = _gpus()
    if 0 < len(devices) < count:
        raise RoadsegError(
            f"--local {count}: {len(devices)} GPU here, one process each; take --local "
            f"{len(devices)}, or CUDA_VISIBLE_DEVICES= for the CPU"
        )
    made = []
    for i in range(count):
        environment = {"TF_CONFIG": tf_config(addresses, i)}
        if devices:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(devices[i::count])
        made.append(Worker(i, "here", command, environment))
    return made


def ssh_workers(
    hosts: Sequence[str],
    command: Sequence[str],
    *,
    port: int,
    directory: str,
    program: str,
    ssh: Sequence[str],
) -> list[Worker]:
    """Return one worker for each host; a host that is named twice has the next port as well."""
    names = [host.rpartition("@")[2] for host in hosts]
    addresses = [f"{name}:{port + names[:i].count(name)}" for i, name in enumerate(names)]
    made = []
    for i, host in enumerate(hosts):
        words = ["env", f"TF_CONFIG={tf_config(addresses, i)}", program, *command]
        # The shell becomes the worker: its number is that of the process to signal.
        script = f'cd {shlex.quote(directory)} && echo "{TOLD}$$" && exec {shlex.join(words)}'
        remote = [*ssh, host]
        made.append(Worker(i, host, [*remote, f"sh -c {shlex.quote(script)}"], ssh=remote))
    return made


def free_ports(count: int) -> list[int]:
    """Return TCP ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _gpus() -> list[str]:
    """Return the NVIDIA GPUs that processes started here see, by the names CUDA takes."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name.strip() not in ("", "-1")]
    found = Path("/dev").glob("nvidia[0-9]*")
    return [str(i) for i in range(len(list(found)))]
