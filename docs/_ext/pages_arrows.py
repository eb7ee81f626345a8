"""What each folder may import, from the tables of the test that holds it."""

import ast
from pathlib import Path
from typing import Any

TEST = Path(__file__).parents[2] / "tests" / "test_architecture.py"


def pages(name: str) -> dict[str, str]:
    """Return the text of the page, by its file."""
    tables = _tables()
    lines = ["| folder | may import |", "| --- | --- |"]
    for folder, others in tables["MAY_IMPORT"].items():
        lines.append(f"| `{folder}/` | {_words(sorted(others)) or 'none of the others'} |")
    lines += ["", "Inside `research/`, each name imports only those before it:", ""]
    lines += [" < ".join(f"`{part}`" for part in tables["ORDER"]), ""]
    for folder, groups in tables["ORDER_IN"].items():
        lines += [f"Inside `{folder}/`:", ""]
        lines += [" < ".join(_words(group) for group in groups), ""]
    return {name: "\n".join(lines)}


def _words(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _tables() -> dict[str, Any]:
    """Return the test's tables by name; the test itself is not imported."""
    found: dict[str, Any] = {}
    for node in ast.parse(TEST.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name in ("MAY_IMPORT", "ORDER", "ORDER_IN"):
                code = compile(ast.Expression(node.value), str(TEST), "eval")
                found[name] = eval(code, {"__builtins__": {"set": set, "frozenset": frozenset}})
    return found
