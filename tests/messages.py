"""Lists every message of `RoadsegError` in the sources: `python -m tests.messages` writes the page.

A message is told from the code: text as it stands, values as <their expression>.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support import REPOSITORY

PAGE = REPOSITORY / "docs" / "messages.md"
ERRORS = ("RoadsegError", "FilesAtFault", "ForeignWeights", "WorkerLost", "WrongShape")
FOLDERS = ("research", "nus_native", "data_conversion", "train", "eval", "export")
_HEAD = """# Messages

Bad input ends every command with exit status 2 and one of these lines. `<...>` stands for a value:
a file, what was found in it, or the way out.
Made from the code by `make messages`; a test compares.
"""


def page() -> str:
    """Return the page: the messages of each file, in the order of the code."""
    parts = [_HEAD]
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            found = list(messages(path))
            if found:
                parts.append(f"\n## {path.relative_to(REPOSITORY).as_posix()}\n\n")
                parts += [f"- `{message.replace('`', chr(39))}`\n" for message in found]
    return "".join(parts)


def messages(path: Path) -> Iterator[str]:
    """Yield the message of each RoadsegError that a file makes, once."""
    yield from dict.fromkeys(message for _, message in places(path))


def places(path: Path) -> Iterator[tuple[range, str]]:
    """Yield (lines, message) of each RoadsegError that a file makes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ERRORS and node.args:
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            yield lines, " ".join(_text(node.args[0]).split())


def every_message() -> set[tuple[str, str]]:
    """Return (file, message) of all the code."""
    paths = [path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py")]
    return {
        (path.relative_to(REPOSITORY).as_posix(), message)
        for path in paths
        for message in messages(path)
    }


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return f"<{ast.unparse(node.value)}>"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return f"<{ast.unparse(node)}>"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
