"""A RoadsegError is a ValueError, and whoever catches ValueErrors passes it on unchanged."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from roadseg.errors import RoadsegError
from tests.support import REPOSITORY

FOLDERS = ("research", "nus_native", "data_conversion", "train", "eval", "export")
OTHERS_TOO = {"get", "load"}
"""Names that functions of other packages have as well."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def raises_it(node: ast.AST) -> bool:
    """Return whether RoadsegError is raised somewhere inside, but by what is defined there."""
    raised = (part.exc for part in ast.walk(node) if isinstance(part, ast.Raise) and part.exc)
    return any(
        isinstance(name, ast.Name) and name.id == "RoadsegError"
        for exception in raised
        for name in ast.walk(exception)
    )


def functions_that_raise(tree: ast.Module) -> set[str]:
    nodes = (node for node in ast.walk(tree) if isinstance(node, Function))
    return {node.name for node in nodes if raises_it(node)}


def called(body: list[ast.stmt]) -> set[str]:
    """Return the names, without what stands before a point, that are called."""
    calls = (part.func for line in body for part in ast.walk(line) if isinstance(part, ast.Call))
    return {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in calls}


def catches(handler: ast.ExceptHandler, name: str) -> bool:
    inside = ast.walk(handler.type) if handler.type else ()
    return any(isinstance(part, ast.Name) and part.id == name for part in inside)


def unguarded(tree: ast.Module, raising: set[str]) -> Iterator[int]:
    """Yield the lines of handlers of ValueError that would take a RoadsegError for another."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Try):
            continue
        if not (any(map(raises_it, node.body)) or called(node.body) & raising):
            continue
        for handler in node.handlers:
            if catches(handler, "RoadsegError"):
                break
            if catches(handler, "ValueError"):
                yield handler.lineno


def test_handlers_of_value_errors_pass_a_roadseg_error_on() -> None:
    trees = dict(sources())
    raising = {path: functions_that_raise(tree) for path, tree in trees.items()}
    public = {name for names in raising.values() for name in names if not name.startswith("_")}
    public -= OTHERS_TOO
    found = {
        f"{path.relative_to(REPOSITORY)}:{line}"
        for path, tree in trees.items()
        for line in unguarded(tree, raising[path] | public)
    }
    assert found == set()


def test_the_check_sees_a_handler_that_takes_too_much() -> None:
    text = "try:\n    f()\nexcept (OSError, ValueError):\n    pass\n"
    assert list(unguarded(ast.parse(text), {"f"})) == [3]
    passed = text.replace("except (", "except RoadsegError:\n    raise\nexcept (")
    assert list(unguarded(ast.parse(passed), {"f"})) == []


def test_a_roadseg_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="one line"):
        raise RoadsegError("one line")
