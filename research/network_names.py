"""The names of networks and of their options, without the networks: read from the table's source.

The registry builds on Keras, whose import takes seconds; a name that is wrong is said before that.
"""

import ast
import difflib
import sys
from collections.abc import Iterable, Sequence
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
    return tuple(sorted(_entries(_source(_REGISTRY))))


def network_options(name: str) -> tuple[str, ...]:
    """Return the options of a network's builder; none where its source does not tell them."""
    registry = _source(_REGISTRY)
    entry = _entries(registry).get(name)
    if not isinstance(entry, ast.Call) or not entry.args or not isinstance(entry.args[0], ast.Name):
        return ()
    builder = entry.args[0].id
    for node in registry.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            if builder in (alias.name for alias in node.names):
                return _parameters(_source(node.module), builder)
    return ()


def _parameters(tree: ast.Module, builder: str) -> tuple[str, ...]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == builder:
            if node.args.kwarg is None:
                names = (part.arg for part in (*node.args.args, *node.args.kwonlyargs))
                return tuple(name for name in names if name != "num_classes")
    return ()


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
def _source(module: str) -> ast.Module:
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


def refuse_unknown_options(name: str, options: Iterable[str]) -> None:
    """Raise RoadsegError for an option that the builder of a published network does not take."""
    known = network_options(name)
    for option in options if known else ():
        if option not in (*known, "auxiliary_heads"):
            raise no_option(name, option, known)


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
