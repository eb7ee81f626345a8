"""Reads the options of a sub-command into a dataclass; its help begins with an example."""

from collections.abc import Sequence
from typing import TypeVar

from roadseg.command_line.old_flags import refuse_old_flags

Options = TypeVar("Options")


def parse(kind: type[Options], argv: Sequence[str], *, command: str, example: str) -> Options:
    """Return `kind`, a dataclass with a docstring for each field, filled from `argv`.

    command: the sub-command's name. example: one or more whole command lines, shown first by
    `--help`. Wrong options print what is wrong and exit with status 2, `--help` with status 0.
    Raises RoadsegError for a flag that has another name now.
    """
    return _cli(kind, argv, command, example, False)[0]


def parse_known(
    kind: type[Options], argv: Sequence[str], *, command: str, example: str
) -> tuple[Options, list[str]]:
    """Return `kind` as `parse` does, and the words that are no options of it, in order."""
    return _cli(kind, argv, command, example, True)


def _cli(
    kind: type[Options], argv: Sequence[str], command: str, example: str, return_rest: bool
) -> tuple[Options, list[str]]:
    refuse_old_flags(argv, command)
    import tyro

    if any(word in ("-h", "--help") for word in argv):
        for line in example.splitlines():
            print(f"example: {line}")
        print()
    prog, config = f"roadseg {command}", (tyro.conf.FlagCreatePairsOff,)
    if return_rest:
        return tyro.cli(kind, prog=prog, args=argv, config=config, return_unknown_args=True)
    return tyro.cli(kind, prog=prog, args=argv, config=config), []
