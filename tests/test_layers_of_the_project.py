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
# The faces of the package, which alone name modules downstream of research/, inside functions.
FACES = {"research/api.py", "research/cli.py"}
ON_IMPORT = ("tensorflow", "keras", "tensorflow_datasets")
COMMANDS = [REPOSITORY / "research" / file for file in ("__init__.py", "api.py", "cli.py")]


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
        if name(path) not in FACES
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

    folders = {"roadseg": "research"} | {f"roadseg.{key}": key for key in MAY_IMPORT}
    modules = [module for module, _ in commands.values()]
    paths = list(COMMANDS)
    for module in modules:
        package, _, file = module.rpartition(".")
        folder = folders.get(package) or "research/" + package.partition(".")[2].replace(".", "/")
        paths.append(REPOSITORY / folder / f"{file}.py")
    wrong = [
        f"{name(path)}: {imported}"
        for path in paths
        for imported in imports(run_on_import(tree(path).body))
        if imported.partition(".")[0] in ON_IMPORT
    ]
    assert not wrong


def test_every_package_is_installed():
    """A folder that setup.py does not name works from a checkout and is absent from a wheel."""
    (table,) = (
        ast.literal_eval(node.value)
        for node in tree(REPOSITORY / "setup.py").body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PACKAGES"
    )
    folders = {name(path.parent) for path in sources(*MAY_IMPORT) if path.name == "__init__.py"}
    assert folders == set(table.values())
