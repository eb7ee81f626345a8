"""The `--help` of every command, as it is printed."""

import contextlib
import io
import os
import re
from collections.abc import Sequence

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def pages(name: str) -> dict[str, str]:
    """Return the text of the page, by its file."""
    from roadseg.cli import COMMANDS
    from roadseg.data_conversion.sets.table import DATA_SETS

    parts = [f"```text\n{_help([])}\n```\n"]
    for command, (_, about) in COMMANDS.items():
        parts.append(f"\n## roadseg {command}\n\n{about[0].upper()}{about[1:]}.\n\n")
        parts.append(f"```text\n{_help([command])}\n```\n")
        more = [[command, kind] for kind in DATA_SETS] if command == "convert" else []
        more += [["eval", "--oracle"]] if command == "eval" else []
        for words in more:
            parts.append(f"\n### roadseg {' '.join(words)}\n\n```text\n{_help(words)}\n```\n")
    return {name: "".join(parts)}


def _help(words: Sequence[str]) -> str:
    from roadseg.cli import main

    # Width and colour of the terminal are no part of the page.
    kept = {key: os.environ.get(key) for key in ("COLUMNS", "NO_COLOR")}
    os.environ.update(COLUMNS="100", NO_COLOR="1")
    text = io.StringIO()
    try:
        with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
            main([*words, "--help"])
    finally:
        for key, value in kept.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})
    if len(text.getvalue().splitlines()) < 3:
        raise RuntimeError(f"roadseg {' '.join(words)} --help: nothing was printed")
    lines = _COLOUR.sub("", text.getvalue()).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip()
