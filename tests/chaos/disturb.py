"""Runs the stages undisturbed, then again and again disturbed, and compares what they made."""

import dataclasses
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.chaos.compare import differences
from tests.chaos.disk import Counts, Disk
from tests.chaos.schedule import Kill
from tests.chaos.stages import Stage, with_needed

# One thread: sums of several are not added in one order.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "-1",
    "PYTHONHASHSEED": "0",
}
_LIMIT_S = 1800.0
"""After which a command counts as one that hangs."""
# What a command may end with that was disturbed; a signal's own number besides.
_ENDED_WELL = (0, 2)
_ROUNDS = 3
"""Times that a disturbance is tried again that came after the end."""


@dataclasses.dataclass(frozen=True)
class Undisturbed:
    """What one undisturbed command took."""

    seconds: float
    written: Counts


@dataclasses.dataclass
class Outcome:
    """What came of all disturbances."""

    survived: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)
    """By stage and kind: those that met a command that ran."""
    late: int = 0
    """Those that came after the command had ended, or found no file to cut short."""
    compared: Counter[str] = dataclasses.field(default_factory=Counter)
    """By stage: folders that were compared."""
    faults: list[str] = dataclasses.field(default_factory=list)
    """A line for each difference, traceback, unexpected status or hang."""


class Chaos:
    """A reference and a disturbed folder, and the commands in them."""

    def __init__(self, folder: Path, library: Path):
        """Make both in `folder`. library: of `disk.build`."""
        self.reference, self.disturbed = folder / "reference", folder / "disturbed"
        for place in (self.reference, self.disturbed):
            place.mkdir(parents=True)
        self.log = folder / "log"
        self.log.mkdir()
        self.disks = {
            place: Disk(library, folder / f"plan-{place.name}", place)
            for place in (self.reference, self.disturbed)
        }
        self.outcome = Outcome()
        self.number = 0
        self.cut = (folder, b"")

    def run(self, kills: Sequence[Kill], names: tuple[str, ...]) -> Outcome:
        """Run the stages of `names`, and undisturbed those they need."""
        for stage in with_needed(names):
            taken = self.undisturbed(stage)
            own = [kill for kill in kills if kill.stage == stage.name]
            if stage.name not in names or not own:
                shutil.rmtree(self.disturbed)
                shutil.copytree(self.reference, self.disturbed)
                continue
            self.stage(stage, own, taken)
        return self.outcome

    def undisturbed(self, stage: Stage) -> Undisturbed:
        """Make the reference of `stage`."""
        disk = self.disks[self.reference]
        disk.heal()
        began = time.monotonic()
        process = self.start(stage, self.reference)
        status = process.wait(_LIMIT_S)
        seconds = time.monotonic() - began
        if status:
            raise SystemExit(f"{stage.name}, undisturbed: status {status}\n{self.said()}")
        say(f"{stage.name}: {seconds:.1f} s undisturbed, {disk.counts()}")
        return Undisturbed(seconds, disk.counts())

    def stage(self, stage: Stage, kills: Sequence[Kill], taken: Undisturbed) -> None:
        """Disturb `stage` by all of `kills`, beginning anew whenever it came to its end."""
        waiting = [(kill, 0) for kill in kills]
        while waiting:
            kill, tried = waiting.pop(0)
            met, status = self.disturb(stage, kill, taken)
            if met:
                self.outcome.survived[stage.name, kill.kind] += 1
            else:
                self.outcome.late += 1
                if tried + 1 < _ROUNDS:
                    waiting.append((kill, tried + 1))
            say(f"{self.number}: {_named(kill)}: {'met' if met else 'late'}, status {status}")
            ended = _is_over(status, self.said())
            if not ended and not waiting:
                self.finish(stage, kill)
            if ended or not waiting:
                self.compare(stage, kill)
                if waiting:
                    stage.clear(self.disturbed)

    def finish(self, stage: Stage, last: Kill) -> None:
        """Run the command to its end."""
        self.disks[self.disturbed].heal()
        status = self.start(stage, self.disturbed).wait(_LIMIT_S)
        if not _is_over(status, self.said()):
            self.fault(f"{stage.name}, after {_named(last)}: status {status}: {self.said()}")

    def compare(self, stage: Stage, last: Kill) -> None:
        """Note every difference of both folders."""
        self.outcome.compared[stage.name] += 1
        for line in differences(self.reference, self.disturbed):
            self.fault(f"{stage.name}, after {_named(last)}: {line}")

    def disturb(self, stage: Stage, kill: Kill, taken: Undisturbed) -> tuple[bool, int]:
        """Start `stage` and disturb it; return whether that met it, and its status."""
        disk = self.disks[self.disturbed]
        disk.heal()
        if kill.kind == "ENOSPC":
            disk.fail(errno.ENOSPC, after_bytes=1 + int(kill.moment * taken.written.bytes))
        if kill.kind == "EIO":
            disk.fail(errno.EIO, after_calls=1 + int(kill.moment * taken.written.calls))
        process = self.start(stage, self.disturbed)
        met = False
        if kill.kind not in ("ENOSPC", "EIO"):
            met = self.at_moment(process, stage, kill, taken)
        try:
            status = process.wait(_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
            self.fault(f"{stage.name}, {_named(kill)}: hangs for {_LIMIT_S:g} s: {self.said()}")
        if kill.kind in ("ENOSPC", "EIO"):
            met = disk.counts().refused > 0
        elif kill.kind == "truncated" and met:
            restore(self.cut)
        self.check(stage, kill, status)
        return met, status

    def at_moment(
        self, process: subprocess.Popen, stage: Stage, kill: Kill, taken: Undisturbed
    ) -> bool:
        """Wait for the moment; signal the process or cut a file short; return whether it ran."""
        try:
            process.wait(kill.moment * taken.seconds)
        except subprocess.TimeoutExpired:
            pass
        else:
            return False
        if kill.kind == "truncated":
            files = stage.readable(self.disturbed)
            if not files:
                return False
            self.cut = cut_short(files[int(kill.depth * len(files))], kill.depth)
            return True
        process.send_signal(getattr(signal, kill.kind))
        return True

    def check(self, stage: Stage, kill: Kill, status: int) -> None:
        """Note a status that no user expects, and a traceback."""
        allowed = [*_ENDED_WELL]
        if kill.kind.startswith("SIG"):
            number = getattr(signal, kill.kind)
            allowed += [-number, 128 + number]
        said = self.said()
        if status not in allowed or "Traceback" in said:
            self.fault(f"{stage.name}, {_named(kill)}: status {status}: {said}")

    def start(self, stage: Stage, folder: Path) -> subprocess.Popen:
        """Start the command of `stage` in `folder`, with what it says in a file of its own."""
        self.number += 1
        environment: dict[str, str] = {**os.environ, **_ENVIRONMENT}
        environment.update(self.disks[folder].environment())
        command = [sys.executable, "-m", "roadseg", *stage.words.split()]
        with self.path.open("wb") as file:
            pipes: dict[str, Any] = {"stdout": file, "stderr": subprocess.STDOUT}
            return subprocess.Popen(command, cwd=folder, env=environment, **pipes)

    @property
    def path(self) -> Path:
        """Return the file with what the latest command said."""
        return self.log / f"{self.number:05d}.txt"

    def said(self) -> str:
        """Return the end of what the latest command said."""
        return self.path.read_text(encoding="utf-8", errors="replace")[-3000:]

    def fault(self, line: str) -> None:
        """Note a fault and print it."""
        self.outcome.faults.append(line)
        say(f"FAULT: {line}")


def cut_short(path: Path, depth: float) -> tuple[Path, bytes]:
    """Leave that share of a file, in place; return what `restore` needs."""
    whole = path.read_bytes()
    os.truncate(path, int(depth * len(whole)))
    return path, whole


def restore(cut: tuple[Path, bytes]) -> None:
    """Give a file back what it held, in place; one that was removed meanwhile stays away."""
    path, whole = cut
    if path.is_file():
        with path.open("r+b") as file:
            file.write(whole)


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def _is_over(status: int, said: str) -> bool:
    """Return whether the command came to its end, by its status and what it said."""
    # Killed after its last act: what is complete is not made again.
    if status == 2 and "complete records are here already" in said:
        return True
    return status == 0 and "the same command goes on" not in said


def _named(kill: Kill) -> str:
    return f"{kill.kind} of {kill.stage} at {kill.moment:.3f}"
