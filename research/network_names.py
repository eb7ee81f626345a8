"""The names of networks and of their options, without the networks: read from the table's source.

The registry builds on Keras, whose import takes seconds; a name that is wrong is said before that.
"""

import ast
import difflib
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec

from roadseg.errors import RoadsegError

GROUP = "roadseg.models"
"""Entry points by which an installed package offers networks: name = "package.module:function"."""
_REGISTRY, _TABLE = "roadseg.models.registry", "MODELS"


@cache
def network_names() -> tuple[str, ...]:
    """Return the names in the table of `models.registry`, sorted; none where it has no source."""
    return tuple(sorted(_entries(source_of(_REGISTRY))))


def builder_source(name: str) -> tuple[list[ast.arg], ast.Module] | None:
    """Return the arguments of the builder of a published network, from its source, and its file.

    None where its source does not tell them. A builder may be made of another function by partial.
    """
    registry = source_of(_REGISTRY)
    entry = _entries(registry).get(name)
    if not isinstance(entry, ast.Call) or not entry.args or not isinstance(entry.args[0], ast.Name):
        return None
    builder = entry.args[0].id
    for node in registry.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            if builder in (alias.name for alias in node.names):
                tree = source_of(node.module)
                arguments = _arguments(builder, tree)
                return None if arguments is None else (arguments, tree)
    return None


def _arguments(builder: str, tree: ast.Module) -> list[ast.arg] | None:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == builder:
            return None if node.args.kwarg else [*node.args.args, *node.args.kwonlyargs]
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == builder:
            call = node.value
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "partial" and call.args:
                inner = _arguments(ast.unparse(call.args[0]), tree)
                return None if inner is None else inner[len(call.args) - 1 :]
    return None


def _entries(tree: ast.Module) -> dict[str, ast.expr]:
    """Return the table of networks: name -> what stands behind it."""
    for node in tree.body:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        if node.target.id == _TABLE and isinstance(node.value, ast.Dict):
            pairs = zip(node.value.keys, node.value.values, strict=True)
            return {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}
    return {}


@cache
def source_of(module: str) -> ast.Module:
    """Return what the file of a module holds; nothing where it has none."""
    spec = find_spec(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return ast.Module([], [])
    with open(spec.origin, encoding="utf-8") as file:
        return ast.parse(file.read())


def offered_networks() -> dict[str, str]:
    """Return where installed packages say that their networks lie, by name; imports none."""
    return {point.name: point.value for point in entry_points(group=GROUP)}


def no_option(name: str, option: str, known: Sequence[str]) -> RoadsegError:
    """Return the error for an option that a network's builder does not take."""
    near = difflib.get_close_matches(option, known) or known
    return RoadsegError(f"{name} has no option '{option}'; there are {', '.join(near)}")


def no_network(name: str, known: Sequence[str]) -> RoadsegError:
    """Return the error for a name that no network has."""
    near = difflib.get_close_matches(name, known) or known
    return RoadsegError(
        f"no network '{name}'; did you mean {' or '.join(near)}? one of your own is "
        "package.module:function"
    )


def refuse_unknown_network(name: str) -> None:
    """Raise RoadsegError, naming near ones, for a name that no network has.

    Networks of other packages, and those that this process has registered, are known as well.
    """
    names = network_names()
    if not names or name in names or ":" in name:
        return
    registry = sys.modules.get(_REGISTRY)
    if registry is not None and registry.is_known(name):
        return
    if name not in offered_networks():
        raise no_network(name, names)
