"""Imports point one way: what each folder may import, read from the source, nothing imported."""

import ast
import re
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
    "export": {"research", "data_conversion"},
}
# What users of Python import: a few lines each, over functions of the other folders, which it
# imports inside functions.
FACE = "research/api.py"
# The folders (and files at the root) of research/, each importing only what stands before it. Two
# faces stand apart: `cli` names the commands, `__init__` what users of Python import.
ORDER = (
    *("errors", "processors", "regular_files", "yaml_text", "npz", "files", "folders"),
    "network_names",
    *("command_line", "label_tables"),
    *("recipe", "ops", "losses", "metrics", "layers", "backbones", "two_cameras", "models"),
    *("sampling", "weights", "drawing", "inference", "tasks", "runs", "api", "keras_files"),
)
# Inside eval/ and train/: the folders and files that import none of those that come later.
ORDER_IN = {
    "eval": (
        ("inference", "frames", "scoring", "resizing", "results", "interpolation", "dump"),
        ("spread",),
        ("job",),
        ("tasks",),
        ("evaluation",),
        ("store",),
        ("watch",),
        ("command",),
    ),
    "train": (("data",), ("optim",), ("step",), ("start",), ("loop",), ("command",)),
}
# The only files of research/ that import TensorFlow: its own reader, of TF-slim's checkpoints, its
# own operations, where Keras runs on it, and what its groups of workers say of a lost one. The face
# names it for type checkers alone.
NEED_TENSORFLOW = {
    "research/weights/slim.py",
    "research/ops/backend.py",
    "research/runs/lost.py",
    FACE,
}
# The files that put arrays into variables: by names of a source, and back into a training.
ASSIGN = {"research/weights/match.py", "train/training_state.py"}
# Those that set variables to what they compute themselves, from no source.
COMPUTE = {
    "export/graphs/trial.py",
    "train/fused_norm.py",
    "train/on_jax/step.py",
    "train/optim/optimizer.py",
    "train/start/unit_variance.py",
    "train/step.py",
    "train/tasks/density.py",
}
SETTERS = {"assign", "load_own_variables", "load_weights", "set_weights"}
ON_IMPORT = ("tensorflow", "keras", "tensorflow_datasets")
COMMANDS = [
    *(REPOSITORY / "research" / file for file in ("__init__.py", "__main__.py", "cli.py")),
    REPOSITORY / FACE,
]


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


def modules() -> dict[str, Path]:
    """Return the files of the project by their import names."""
    found = {}
    for folder in MAY_IMPORT:
        for path in sources(folder):
            parts = path.relative_to(REPOSITORY / folder).with_suffix("").parts
            root = ["roadseg"] if folder == "research" else ["roadseg", folder]
            found[".".join([*root, *(part for part in parts if part != "__init__")])] = path
    return found


def arrows() -> dict[str, set[str]]:
    """Return what each file imports, in functions and for type checkers as well.

    But not what an `__init__` names for type checkers alone: it imports them when asked for.
    """
    known = modules()
    found: dict[str, set[str]] = {}
    for module, path in known.items():
        body = tree(path)
        face = path.name == "__init__.py"
        nodes = run_on_import(body.body) if face else ast.walk(body)
        found[module] = set()
        for imported in imports(nodes):
            package = imported.rpartition(".")[0]
            target = imported if imported in known else package
            compiled = (
                known.get(package, path).parent / f"{imported.rpartition('.')[2]}.pyx"
            ).is_file()
            if target in known and not compiled:
                found[module].add(target)
    return found


def circles(found: dict[str, set[str]]) -> list[set[str]]:
    """Return the sets of files that import each other, by Tarjan's algorithm."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    result = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in found[node]:
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            part = {stack.pop()}
            while node not in part:
                part.add(stack.pop())
            if len(part) > 1:
                result.append(part)

    for node in found:
        if node not in index:
            visit(node)
    return result


def test_no_files_import_each_other() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
    found = {
        frozenset(part.removeprefix("roadseg.").replace(".", "/") for part in circle)
        for circle in circles(arrows())
    }
    assert not found


def test_folders_of_research_import_only_what_stands_before_them() -> None:
    place = {name: number for number, name in enumerate(ORDER)}
    folders = {path.relative_to(REPOSITORY / "research").parts[0] for path in sources("research")}
    assert {folder.removesuffix(".py") for folder in folders} <= {
        *ORDER,
        "cli",
        "__init__",
        "__main__",
        "py.typed",
    }
    known, wrong = modules(), set()
    for module, targets in arrows().items():
        path = known[module]
        first = module.split(".")[1] if "." in module else ""
        if first not in place or (first == "sampling" and path.name == "__init__.py"):
            continue
        for target in targets:
            second = target.split(".")[1] if "." in target else ""
            if second in place and place[second] > place[first]:
                wrong.add(f"{path.relative_to(REPOSITORY / 'research').as_posix()}: {target}")
    assert not wrong


@pytest.mark.parametrize("folder", ORDER_IN)
def test_stages_of_a_folder_import_only_what_stands_before_them(folder: str) -> None:
    place = {name: n for n, names in enumerate(ORDER_IN[folder]) for name in names}
    wrong = [
        f"{module}: {target}"
        for module, targets in arrows().items()
        for target in targets
        if module.startswith(f"roadseg.{folder}.") and target.startswith(f"roadseg.{folder}.")
        for first, second in [(module.split(".")[2], target.split(".")[2])]
        if first in place and second in place and place[second] > place[first]
    ]
    assert not wrong


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_what_lies_upstream(folder: str) -> None:
    allowed = MAY_IMPORT[folder] | {folder, None}
    wrong = [
        f"{name(path)}: {imported}"
        for path in sources(folder)
        if name(path) != FACE
        for imported in imports(ast.walk(tree(path)))
        if folder_of(imported) not in allowed
    ]
    assert sources(folder) and not wrong


def test_the_face_imports_the_other_folders_inside_functions_alone() -> None:
    found = {folder_of(used) for used in imports(run_on_import(tree(REPOSITORY / FACE).body))}
    assert found <= {"research", None}


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


def test_arrays_come_into_variables_in_two_files_alone() -> None:
    found = {
        name(path)
        for path in sources(*MAY_IMPORT)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in SETTERS
    }
    assert found == ASSIGN | COMPUTE
    reading = {"checkpoint", "npz", "read_arrays", "safetensors"}
    for path in map(REPOSITORY.joinpath, COMPUTE):
        assert not {used.rpartition(".")[2] for used in imports(ast.walk(tree(path)))} & reading


def test_no_function_is_rewritten_before_it_is_traced() -> None:
    """AutoGraph takes seconds for each network and each pipeline, and nothing here needs it."""
    found = []
    for path in sources(*MAY_IMPORT):
        nodes = list(ast.walk(tree(path)))
        uses_tensorflow = "tensorflow" in {*imports(iter(nodes))}
        for node in nodes:
            if isinstance(node, ast.FunctionDef):
                bare = [one for one in node.decorator_list if ast.unparse(one) == "tf.function"]
                found += [f"{name(path)}:{one.lineno}" for one in bare]
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "tf.function":
                if all(word.arg != "autograph" for word in node.keywords):
                    found.append(f"{name(path)}:{node.lineno}")
            elif uses_tensorflow and isinstance(node, ast.Call) and gives_to_data_set(node):
                if not ast.unparse(node.args[0]).startswith("as_written("):
                    found.append(f"{name(path)}:{node.lineno}")
    assert not found, "give autograph=False, and as_written(...) to tf.data: " + "; ".join(found)


def gives_to_data_set(call: ast.Call) -> bool:
    """Tell whether `call` gives a function to a `tf.data.Dataset`."""
    method = call.func
    if not isinstance(method, ast.Attribute) or not call.args:
        return False
    takes = ("map", "flat_map", "filter", "interleave", "scan")
    return method.attr in takes and ast.unparse(method.value) not in ("pool", "self.pool")


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


# Where the name of a task may decide: in the folders of the tasks, where networks say what they
# learn, and where the stored result of a task is read.
NAMES_TASKS = ("models/spec.py", "results/load.py", "results/base.py")


def test_no_task_is_asked_for_by_name_outside_the_folders_of_tasks() -> None:
    def decides(node: ast.AST) -> bool:
        return isinstance(node, ast.Compare) and any(
            isinstance(part, ast.Attribute) and part.attr == "task"
            for part in (node.left, *node.comparators)
        )

    assert decides(ast.parse("recipe.task == 'flow'", mode="eval").body)
    wrong = [
        f"{name(path)}: {ast.unparse(node)}"
        for path in sources(*MAY_IMPORT)
        if path.parent.name != "tasks" and not name(path).endswith(NAMES_TASKS)
        for node in ast.walk(tree(path))
        if decides(node)
    ]
    # What a network learns is asked for where a recipe is checked.
    assert wrong == ["train/network_check.py: find(recipe.model).task in task.networks"]


def test_no_prefix_of_a_models_name_decides() -> None:
    wrong = [
        f"{name(path)}: {ast.unparse(node)}"
        for path in sources(*MAY_IMPORT)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith(("model.name.startswith", "recipe.model.startswith"))
    ]
    assert not wrong


def test_tests_that_are_left_to_test_all_exist() -> None:
    lines = (REPOSITORY / "tests" / "left_to_test_all.txt").read_text(encoding="utf-8").splitlines()
    wrong = []
    for line in lines:
        if not line.startswith("#"):
            path, rest = re.findall(r"^(?:jax: )?(tests/[\w/]+\.py)(.*)$", line)[0]
            # A class may take its tests from another file of its folder.
            beside = (REPOSITORY / path).parent.glob("*.py")
            source = "".join(file.read_text(encoding="utf-8") for file in beside)
            named = rest.partition("[")[0].replace("::", "*").split("*")
            if not (REPOSITORY / path).is_file() or any(name not in source for name in named):
                wrong.append(line)
    assert lines and not wrong
