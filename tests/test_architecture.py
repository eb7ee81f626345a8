"""Imports point one way: what each folder may import, read from the source, nothing imported."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import REPOSITORY

# Folder -> the other folders whose import name it may use.
MAY_IMPORT = {
    "research": set(),
    "nus_native": {"research"},
    "data_conversion": {"research", "nus_native"},
    "train": {"research", "nus_native", "data_conversion"},
    "eval": {"research", "nus_native", "data_conversion"},
    "export": {"research"},
}
# The only files of research/ that import TensorFlow: its own reader, of TF-slim's checkpoints, and
# its own operations, where Keras runs on it.
NEED_TENSORFLOW = {"research/weights/slim.py", "research/ops/backend.py"}
ON_IMPORT = ("tensorflow", "keras", "tensorflow_datasets")
COMMANDS = [REPOSITORY / "research" / "__init__.py", REPOSITORY / "research" / "cli.py"]


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((REPOSITORY / folder).rglob("*.py"))]


def name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Yield every dotted name that is imported; `from a import b` gives `a.b`."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def run_on_import(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the statements that importing a module runs: no functions, no TYPE_CHECKING."""
    for node in body:
        yield node
        guarded = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not guarded and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for part in ("body", "orelse", "handlers", "finalbody"):
                yield from run_on_import(getattr(node, part, []))


def path_of(module: str) -> Path:
    """Return the file of a module, by its import name."""
    parts = module.split(".")[1:]
    folders = parts if parts[0] in MAY_IMPORT else ["research", *parts]
    return REPOSITORY.joinpath(*folders).with_suffix(".py")


def folder_of(imported: str) -> str | None:
    """Return the folder an import comes from; None if it is not ours."""
    root, _, rest = imported.partition(".")
    if root != "roadseg":
        return None
    first = rest.partition(".")[0]
    return first if first in MAY_IMPORT else "research"


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_what_lies_upstream(folder: str) -> None:
    allowed = MAY_IMPORT[folder] | {folder, None}
    wrong = [
        f"{name(path)}: {imported}"
        for path in sources(folder)
        for imported in imports(ast.walk(tree(path)))
        if folder_of(imported) not in allowed
    ]
    assert sources(folder) and not wrong


def test_modules_are_imported_by_the_installed_name() -> None:
    folders = {*MAY_IMPORT, ""}
    wrong = [
        f"{name(path)}: {imported}"
        for path in sources(*MAY_IMPORT, "tests")
        for imported in imports(ast.walk(tree(path)))
        if imported.partition(".")[0] in folders
    ]
    assert not wrong


def test_only_the_table_of_commands_names_modules_downstream_of_research() -> None:
    downstream = tuple(f"roadseg.{folder}." for folder in MAY_IMPORT if folder != "research")
    named = {
        name(path)
        for path in sources("research")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and str(node.value).startswith(downstream)
    }
    assert named == {"research/cli.py"}


def test_nobody_hides_the_built_in_eval() -> None:
    wrong = [
        name(path)
        for path in sources(*MAY_IMPORT, "tests")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.module == "roadseg"
        if any((alias.asname or alias.name) == "eval" for alias in node.names)
    ]
    assert not wrong


def test_only_ops_asks_for_the_backend() -> None:
    wrong = [
        name(path)
        for path in sources("research")
        if path.parent.name != "ops"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("backend")
    ]
    assert not wrong


def test_research_needs_keras_alone_but_to_read_checkpoints_of_tensorflow() -> None:
    found = {
        name(path)
        for path in sources("research")
        if any(used.partition(".")[0] == "tensorflow" for used in imports(ast.walk(tree(path))))
    }
    assert found <= NEED_TENSORFLOW


def test_commands_load_no_framework_before_they_run() -> None:
    """So that `--help` comes at once, and bad arguments are refused at once."""
    from roadseg.cli import COMMANDS as commands

    paths = [*COMMANDS, *(path_of(module) for module, _ in commands.values())]
    wrong = [
        f"{name(path)}: {imported}"
        for path in paths
        for imported in imports(run_on_import(tree(path).body))
        if imported.partition(".")[0] in ON_IMPORT
    ]
    assert not wrong


def test_every_folder_of_the_source_is_a_package_with_a_docstring() -> None:
    """setup.py installs the folders that hold an __init__.py, with the modules in them."""
    folders = {path.parent for path in sources(*MAY_IMPORT)}
    wrong = [
        name(folder)
        for folder in folders
        if not (folder / "__init__.py").is_file()
        or not ast.get_docstring(tree(folder / "__init__.py"))
    ]
    assert folders and not wrong
