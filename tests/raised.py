"""Every message is raised by a test: a whole run of the tests names those that none has raised.

With ROADSEG_CHECK_MESSAGES=1 it then fails; else it does not, since some tests are skipped on some
machines.

What a run raises is noted where an error is made, in this process and, by way of xdist, in its
workers; commands that tests start as processes of their own are not seen. `unraised.txt` lists the
messages that no test raises, each under its reason; what is neither raised nor listed is named
by a whole run. `--raised FILE` adds what a run has raised to a file, from which
`python -m tests.raised FILE` lists the rest.
"""

import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from roadseg.errors import RoadsegError
from tests.messages import FOLDERS, every_message, places
from tests.support import REPOSITORY, shared_root

UNRAISED = REPOSITORY / "tests" / "unraised.txt"
Message = tuple[str, str]

_made_at: set[tuple[str, int]] = set()
_by_workers: set[Message] = set()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--raised", metavar="FILE", help="add the messages that were raised to FILE")


def pytest_configure(config: pytest.Config) -> None:
    original = RoadsegError.__init__

    def noted(self: RoadsegError, *arguments: Any) -> None:
        caller: Any = sys._getframe(1)
        while caller.f_locals.get("self") is self:  # __init__ of a class derived from it
            caller = caller.f_back
        _made_at.add((caller.f_code.co_filename, caller.f_lineno))
        original(self, *arguments)

    RoadsegError.__init__ = noted  # type: ignore[method-assign]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    _by_workers.update(map(tuple, getattr(node, "workeroutput", {}).get("raised", ())))


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["raised"] = sorted(raised())
        return
    found = raised() | _by_workers
    if path := config.getoption("--raised"):
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(message) + "\n" for message in sorted(found))
    if _is_whole(session) and not session.testsfailed:
        missing = sorted(every_message() - found - unraised())
        for place, message in missing:
            print(f"\nno test raises this message: {place}: {message}")
        if missing and os.environ.get("ROADSEG_CHECK_MESSAGES"):
            print(f"write a test, or add the line and the reason to {UNRAISED.name}")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def raised() -> set[Message]:
    """Return the messages that were made in this process, as their file and text in the code."""
    made: set[Message] = set()
    for name, line in _made_at:
        path = _of_project(name)
        if path is None:
            continue
        around = [(lines, text) for lines, text in _places(path) if line in lines]
        if around:
            innermost = min(around, key=lambda entry: len(entry[0]))
            made.add((path.relative_to(REPOSITORY).as_posix(), innermost[1]))
    return made


def unraised() -> set[Message]:
    """Return the listed messages that no test raises."""
    lines = UNRAISED.read_text(encoding="utf-8").splitlines()
    pairs = [line.split(": ", 1) for line in lines if line and not line.startswith("#")]
    return {(place, message) for place, message in pairs}


def _is_whole(session: pytest.Session) -> bool:
    """Return whether all tests run that `make test` asks for: many skip without shared data."""
    options = session.config.option
    return (
        not session.config.option.file_or_dir
        and (options.markexpr, options.keyword) == ("not slow", "")
        and not (options.collectonly or options.deselect or getattr(options, "lf", False))
        and session.testscollected > 0
        and shared_root().is_dir()
    )


@cache
def _of_project(name: str) -> Path | None:
    path = Path(name).resolve()
    inside = path.relative_to(REPOSITORY).parts if path.is_relative_to(REPOSITORY) else ()
    return path if inside and inside[0] in FOLDERS else None


@cache
def _places(path: Path) -> tuple[tuple[range, str], ...]:
    return tuple(places(path))


if __name__ == "__main__":
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    for place, message in sorted(every_message() - {tuple(json.loads(line)) for line in lines}):
        print(f"{place}: {message}")
