"""Starts commands in copies of a process that has its packages loaded, which take most of a start.

`Warm` is the caller's side. `python -m tests.chaos.warm` is the other: it reads the words of a
command as a line of JSON, forks, and says the copy's number and, once it has ended, its status.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.support import REPOSITORY

_TICK = os.sysconf("SC_CLK_TCK")
_POLL_S = 0.02


class Command:
    """One command that was started; see `Warm.start`."""

    def __init__(self, warm: "Warm", pid: int):
        self._warm, self.pid = warm, pid
        self._status: int | None = None
        self.seconds = 0.0
        """Processor time that it took, once it has ended."""

    def wait(self, limit: float) -> int:
        """Return its status, minus the signal that killed it; TimeoutError after `limit` s."""
        if self._status is None:
            self._status, self.seconds = self._warm.read(limit)
        return self._status

    def worked(self, seconds: float, limit: float) -> bool:
        """Wait until it took so much processor time; False where it has ended before.

        The time on a clock says little on a machine that does other things as well.
        """
        for _ in range(int(limit / _POLL_S)):
            try:
                self.wait(_POLL_S)
            except TimeoutError:
                if _processor_time(self.pid) >= seconds:
                    return True
            else:
                return False
        raise TimeoutError

    def send(self, number: int) -> None:
        """Send it a signal. Its number is its own until `wait` was told that it ended."""
        if self._status is None:
            os.kill(self.pid, number)


class Warm:
    """A process with its packages loaded, whose copies are commands."""

    def __init__(self, environment: Mapping[str, str]):
        """Load the packages."""
        command = [sys.executable, "-m", "tests.chaos.warm"]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        pipes |= {"cwd": REPOSITORY, "bufsize": 0}
        self._process = subprocess.Popen(command, env={**os.environ, **environment}, **pipes)

    def start(self, words: Sequence[str], folder: Path, log: Path) -> Command:
        """Start `roadseg` with these words in `folder`; what it says goes to the file `log`."""
        assert self._process.stdin is not None
        asked = {"words": list(words), "folder": str(folder), "log": str(log)}
        line = json.dumps(asked) + "\n"
        self._process.stdin.write(line.encode())
        return Command(self, int(self.read(600)[0]))

    def read(self, limit: float) -> tuple[int, float]:
        """Return the next two numbers it says; TimeoutError after `limit` seconds."""
        said: IO[bytes] | None = self._process.stdout
        assert said is not None
        if not select.select([said], [], [], limit)[0]:
            raise TimeoutError
        number, seconds = json.loads(said.readline())
        return int(number), float(seconds)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _processor_time(pid: int) -> float:
    """Return what a process, which may have ended but is not forgotten, took so far, in seconds."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    fields = text.rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / _TICK


def main() -> None:
    """Fork for each line of stdin; the copy is the command, to its last act."""
    import keras  # noqa: F401
    import tensorflow  # noqa: F401
    import tensorflow_datasets  # noqa: F401

    from roadseg.cli import main as roadseg

    for line in iter(sys.stdin.readline, ""):
        asked = json.loads(line)
        if not (pid := os.fork()):
            # `tests` is found from here, not from there.
            sys.path.insert(0, os.getcwd())
            os.chdir(asked["folder"])
            signal.signal(signal.SIGINT, signal.default_int_handler)
            log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for number, handle in enumerate((nothing, log, log)):
                os.dup2(handle, number)
            sys.exit(roadseg(asked["words"]))
        print(json.dumps([pid, 0]), flush=True)
        _, status, usage = os.wait4(pid, 0)
        seconds = usage.ru_utime + usage.ru_stime
        print(json.dumps([os.waitstatus_to_exitcode(status), seconds]), flush=True)


if __name__ == "__main__":
    main()
