"""Runs the code blocks of a page in the current folder, in order: `python run_page.py PAGE.md`.

Python blocks share their names, as they do for a reader who types them one after the other; each
bash block is a shell of its own. A comment on the line before a block changes that:

    <!-- not run: REASON -->    the block is shown and not run
    <!-- needs: weights -->     the block is run where ROADSEG_WEIGHTS names a folder
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_COMMENT = re.compile(r"<!-- (not run|needs): (\S.*?) -->")
LANGUAGES = ("bash", "python")


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    language: str
    text: str
    line: int
    """Of its first line of code, counted from 1."""
    skipped: str = ""
    """Why it is never run; "" for one that is."""
    needs: str = ""


def blocks(page: str) -> Iterator[Block]:
    """Yield the blocks of bash and Python in a Markdown page."""
    lines, number = page.splitlines(), 0
    while number < len(lines):
        fence = re.fullmatch(r"(`{3,})(\w*)", lines[number])
        if not fence:
            number += 1
            continue
        end = lines.index(fence[1], number + 1)
        if fence[2] in LANGUAGES:
            before = _COMMENT.fullmatch(lines[number - 1]) if number else None
            kind, what = (before[1], before[2]) if before else ("", "")
            yield Block(
                fence[2],
                "\n".join(lines[number + 1 : end]) + "\n",
                number + 2,
                what if kind == "not run" else "",
                what if kind == "needs" else "",
            )
        number = end + 1


def run(path: Path) -> None:
    """Run the blocks of a page; raise what a block raises."""
    names: dict[str, Any] = {"__name__": "__main__"}
    sys.path.insert(0, os.getcwd())
    for block in blocks(path.read_text(encoding="utf-8")):
        if block.skipped or (block.needs == "weights" and not os.environ.get("ROADSEG_WEIGHTS")):
            continue
        began = time.monotonic()
        if block.language == "bash":
            subprocess.run(["bash", "-euo", "pipefail", "-c", block.text], check=True)
        else:
            # Line numbers of a traceback are then those of the page.
            text = "\n" * (block.line - 1) + block.text
            exec(compile(text, str(path), "exec"), names)
        print(f"{path.name}:{block.line}: {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
