"""Docstrings of this project as lists of parameters, and safe for Sphinx.

They are plain text: paragraphs, lines `name: what it is`, `code` in single quotes of that kind, and
indented examples. Sphinx reads reStructuredText, in which `*`, `_` and `|` mean something.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from sphinx.util.inspect import stringify_signature

_ENTRY = re.compile(r"(?P<names>\*{0,2}[a-z][\w.]*(?:, \*{0,2}[a-z][\w.]*)*): (?P<text>\S.*)")
_CODE = re.compile(r"`([^`]+)`")
_MARKS = re.compile(r"([\\*_|`])")
_OPENING = re.compile(r"(\.\.|[-+:>#]|[\w(]+[.)] )")


def rewrite(lines: list[str]) -> list[str]:
    """Return the lines of a docstring as reStructuredText."""
    done: list[str] = []
    for kind, block in _blocks(lines):
        if kind == "example":
            done += ["::", "", *(f"    {line}" for line in block), ""]
            continue
        text = " ".join(line.strip() for line in block)
        entry = _ENTRY.fullmatch(text) if kind == "entry" else None
        if entry:
            names = ", ".join(f"``{name}``" for name in entry["names"].split(", "))
            done += [f"- {names}: {_safe(entry['text'])}", ""]
        else:
            done += [_safe(text), ""]
    return done


def _blocks(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield ("text", "entry" or "example", lines) in order."""
    block: list[str] = []
    kind = "text"
    for line in [*lines, ""]:
        indented = line.startswith((" ", "\t"))
        ends = not line.strip() or (bool(_ENTRY.fullmatch(line)) and not indented)
        # After an entry, a line that is not indented is prose again.
        ends = ends or (kind == "entry" and not indented)
        if ends and block:
            yield kind, block
            block = []
        if line.strip():
            if not block:
                entry = _ENTRY.fullmatch(line) and not indented
                kind = "entry" if entry else "example" if indented else "text"
            block.append(line)


def _safe(text: str) -> str:
    """Return a paragraph with code as literals and nothing else that Sphinx would read."""
    parts = _CODE.split(text)
    plain = [_MARKS.sub(r"\\\1", part).replace("::", r":\:") for part in parts[::2]]
    # A literal needs white space or punctuation around it; "\ " is none and ends it all the same.
    code = [f"\\ ``{part}``\\ " for part in parts[1::2]]
    joined = "".join(a + b for a, b in zip(plain, [*code, ""], strict=True))
    return f"\\ {joined}" if _OPENING.match(joined) else joined


def _on_docstring(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = rewrite(lines)


def _on_signature(
    app: Any, what: str, name: str, obj: Any, options: Any, signature: str | None, returned: Any
) -> tuple[str | None, Any] | None:
    """Give classes of Keras, whose `__new__` takes anything, the signature of their `__init__`."""
    if what != "class" or not (signature or "").startswith("(*args"):
        return None
    try:
        known = inspect.signature(obj.__init__)
    except (TypeError, ValueError):
        return None
    parameters = list(known.parameters.values())[1:]
    shown = known.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    return stringify_signature(shown), None


def setup(app: Any) -> dict[str, Any]:
    """Let Sphinx rewrite every docstring that autodoc reads."""
    app.connect("autodoc-process-docstring", _on_docstring)
    app.connect("autodoc-process-signature", _on_signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
