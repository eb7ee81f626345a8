"""`roadseg launch`: one training, or evaluation, on several machines or in processes here."""

import dataclasses
import importlib
import os
import shlex
import sys
from collections.abc import Sequence
from typing import Annotated, Literal

import tyro

from roadseg.cli import COMMANDS
from roadseg.cli import main as command_line
from roadseg.command_line.arguments import parse
from roadseg.errors import RoadsegError

EXAMPLE = """\
roadseg launch --local 2 -- train --recipe fast_seg/icnet --records ~/records --run runs/icnet
roadseg launch --hosts a,b,c -- train --recipe fast_seg/icnet --records /data --run /data/icnet
roadseg launch --hosts a,b,c -- eval /data/icnet --flip"""
SPREAD = ("train", "eval")
"""The commands that several workers share."""


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Train or evaluate with several workers: `roadseg launch OPTIONS -- train ...`. Batches, or
    images, are shared out, so that the result is that of one device. The run folder and the records
    must be the same on all machines. A signal to this command stops all; in training, at one step.
    """

    local: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Start N processes on this machine."""
    hosts: Annotated[str, tyro.conf.arg(metavar="A,B,...")] = ""
    """Start one process on each of these machines, by ssh without a password; the first writes."""
    within: Literal["", "slurm", "kubernetes"] = ""
    """Start nothing: be one of the workers that srun, or an Indexed Job, has started."""
    port: int = 23400
    """TCP port on which workers listen, and the next ones where a machine has several."""
    restarts: int = 0
    """How often to start all workers again after one was lost, with --local and --hosts."""
    directory: str = ""
    """Folder to work in on --hosts; the current one if not given."""
    program: str = ""
    """Path of roadseg on --hosts, if not on the path there."""
    ssh: str = "ssh -o BatchMode=yes"
    """What runs a command on a machine, with the machine and the command as its last words."""
    workers: int = 0
    """Number of workers of the Indexed Job."""
    service: str = ""
    """Name of the headless service of the Indexed Job."""


def main(argv: Sequence[str]) -> int:
    """Run the command and return the workers' exit status: 75 where one was lost."""
    before, command = cut(argv)
    arguments = parse(Arguments, before, command="launch", example=EXAMPLE)
    chosen = [bool(arguments.local), bool(arguments.hosts), bool(arguments.within)]
    if sum(chosen) != 1:
        raise RoadsegError("roadseg launch: give one of --local N, --hosts A,B or --within NAME")
    if not command or command[0] not in SPREAD:
        raise RoadsegError(
            f"roadseg launch: '{' '.join(command[:1])}' after --: only train and eval have several "
            "workers; write roadseg launch OPTIONS -- train ..."
        )
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        raise RoadsegError(
            f"roadseg launch: KERAS_BACKEND={os.environ['KERAS_BACKEND']}: several processes train "
            "on TensorFlow alone; write roadseg train, which on JAX uses all devices here"
        )
    if arguments.within:
        return _be_a_worker(arguments, command)
    from roadseg.train.launch.group import run_group
    from roadseg.train.launch.workers import local_workers, ssh_workers

    if arguments.hosts:
        made = ssh_workers(
            _hosts(arguments.hosts),
            command,
            port=arguments.port,
            directory=arguments.directory or os.getcwd(),
            program=arguments.program or "roadseg",
            ssh=shlex.split(arguments.ssh),
        )
        return run_group(made, arguments.restarts)
    if arguments.local < 1:
        raise RoadsegError(f"--local {arguments.local}: at least 1 process wanted")
    importlib.import_module(COMMANDS[command[0]][0]).refuse(command[1:])
    program = [arguments.program] if arguments.program else [sys.executable, "-m", "roadseg"]
    return run_group(local_workers(arguments.local, [*program, *command]), arguments.restarts)


def cut(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words before and after the first `--`."""
    words = list(argv)
    place = words.index("--") if "--" in words else len(words)
    return words[:place], words[place + 1 :]


def _hosts(text: str) -> list[str]:
    hosts = [host.strip() for host in text.split(",")]
    wrong = [host for host in hosts if not host or host.startswith("-") or ":" in host]
    if wrong:
        raise RoadsegError(
            f"--hosts {text}: '{wrong[0]}' is no name of a machine; give names with commas, "
            "user@name where the user is another, and the port by --port"
        )
    return hosts


def _be_a_worker(arguments: Arguments, command: Sequence[str]) -> int:
    """Set TF_CONFIG from what the scheduler says, and run the command in this process."""
    from roadseg.train.launch import schedulers

    if arguments.within == "slurm":
        config = schedulers.of_slurm(arguments.port)
    else:
        config = schedulers.of_kubernetes(arguments.workers, arguments.service, arguments.port)
    os.environ["TF_CONFIG"] = config
    return command_line(command)
