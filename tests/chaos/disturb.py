"""Runs the stages undisturbed, then again and again disturbed, and compares what they made."""

import dataclasses
import errno
import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.chaos.compare import differences
from tests.chaos.disk import Counts, Disk
from tests.chaos.schedule import Kill
from tests.chaos.stages import Stage, with_needed
from tests.chaos.warm import Command, Warm

# One thread: sums of several are not added in one order.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "-1",
    "PYTHONHASHSEED": "0",
}
_LIMIT_S = 3600.0
"""After which a command counts as one that hangs."""
# What a command may end with that was disturbed; a signal's own number besides.
_ENDED_WELL = (0, 2)
_ROUNDS = 3
"""Times that a disturbance is tried again that came after the end."""


@dataclasses.dataclass(frozen=True)
class Undisturbed:
    """What one undisturbed command took."""

    seconds: float
    """Processor time."""
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


Note = Callable[[Outcome], None]


class Chaos:
    """A reference and a disturbed folder, and the commands in them."""

    def __init__(self, folder: Path, library: Path):
        """Make both in `folder`. library: of `disk.build`."""
        self.reference, self.disturbed = folder / "on/reference", folder / "on/disturbed"
        for place in (self.reference, self.disturbed):
            place.mkdir(parents=True)
        self.log = folder / "log"
        self.log.mkdir()
        self.disk = Disk(library, folder / "plan", folder / "on")
        self.warm = Warm({**_ENVIRONMENT, **self.disk.environment()})
        self.outcome = Outcome()
        self.number = 0
        self.cut = (folder, b"")

    def run(
        self, kills: Sequence[Kill], names: tuple[str, ...], note: Note = lambda _: None
    ) -> Outcome:
        """Run the stages of `names`, and undisturbed those they need; `note` each outcome."""
        for stage in with_needed(names):
            taken = self.undisturbed(stage)
            own = [kill for kill in kills if kill.stage == stage.name]
            if stage.name in names and own:
                self.stage(stage, own, taken, note)
            # What differed is noted; the next stages begin alike.
            shutil.rmtree(self.disturbed)
            shutil.copytree(self.reference, self.disturbed)
        self.warm.close()
        return self.outcome

    def undisturbed(self, stage: Stage) -> Undisturbed:
        """Make the reference of `stage`."""
        self.disk.heal()
        command = self.start(stage, self.reference)
        if status := command.wait(_LIMIT_S):
            raise SystemExit(f"{stage.name}, undisturbed: status {status}\n{self.said()}")
        say(f"{stage.name}: {command.seconds:.1f} s undisturbed, {self.disk.counts()}")
        return Undisturbed(command.seconds, self.disk.counts())

    def stage(self, stage: Stage, kills: Sequence[Kill], taken: Undisturbed, note: Note) -> None:
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
            note(self.outcome)

    def finish(self, stage: Stage, last: Kill) -> None:
        """Run the command to its end."""
        self.disk.heal()
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
        disk = self.disk
        disk.heal()
        if kill.kind == "ENOSPC":
            disk.fail(errno.ENOSPC, after_bytes=1 + int(kill.moment * taken.written.bytes))
        if kill.kind == "EIO":
            disk.fail(errno.EIO, after_calls=1 + int(kill.moment * taken.written.calls))
        command = self.start(stage, self.disturbed)
        met = False
        try:
            if kill.kind not in ("ENOSPC", "EIO"):
                met = self.at_moment(command, stage, kill, taken)
            status = command.wait(_LIMIT_S)
        except TimeoutError:
            command.send(signal.SIGKILL)
            status = command.wait(_LIMIT_S)
            self.fault(f"{stage.name}, {_named(kill)}: hangs for {_LIMIT_S:g} s: {self.said()}")
        if kill.kind in ("ENOSPC", "EIO"):
            met = disk.counts().refused > 0
        elif kill.kind == "truncated" and met:
            restore(self.cut)
        self.check(stage, kill, status)
        return met, status

    def at_moment(self, command: Command, stage: Stage, kill: Kill, taken: Undisturbed) -> bool:
        """Wait for the moment; signal the command or cut a file short; return whether it ran."""
        if not command.worked(kill.moment * taken.seconds, _LIMIT_S):
            return False
        if kill.kind == "truncated":
            files = stage.readable(self.disturbed)
            if not files:
                return False
            self.cut = cut_short(files[int(kill.depth * len(files))], kill.depth)
            return True
        command.send(getattr(signal, kill.kind))
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

    def start(self, stage: Stage, folder: Path) -> Command:
        """Start the command of `stage` in `folder`, with what it says in a file of its own."""
        self.number += 1
        return self.warm.start(stage.words.split(), folder, self.path)

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
