"""Options of a network from words, by its builder's annotations; networks are not built for that.

Those of a published network are read from its source: what is wrong is said before Keras is loaded.
"""

import ast
import typing
from collections.abc import Iterable, Sequence
from typing import Any

from roadseg.command_line.options import hints_of, read_options
from roadseg.network_names import builder_source, source_of

_PLAIN: dict[str, Any] = {"bool": bool, "int": int, "float": float, "str": str}
_LISTS: dict[str, Any] = {"tuple": tuple, "list": list, "Sequence": Sequence}


def options_of(model: str, words: Iterable[str], flag: str = "--options") -> dict[str, Any]:
    """Return keyword arguments of the network `model` from name=value words.

    auxiliary_heads is one of every network. A name that no network has takes any words.
    Raises RoadsegError as `read_options` does.
    """
    words = list(words)
    hints = network_hints(model)
    if words and not hints:
        # Another package's network has no source here to read: it is imported, and Keras with it.
        from roadseg.models.registry import find, is_known

        hints = hints_of(find(model).build) if is_known(model) else {}
    known = {"auxiliary_heads": bool, **hints} if hints else None
    return read_options(words, flag, known, model)


def network_hints(name: str) -> dict[str, Any]:
    """Return the type of each option of a published network, from its source; none without one.

    Classes other than Python's own are Any.
    """
    found = builder_source(name)
    if found is None:
        return {}
    arguments, tree = found
    return {
        argument.arg: Any if argument.annotation is None else _type_of(argument.annotation, tree)
        for argument in arguments
        if argument.arg != "num_classes"
    }


def _type_of(node: ast.expr, tree: ast.Module) -> Any:
    """Return the type that an annotation of the file `tree` names; Any for one not known here."""
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    if isinstance(node, ast.Name):
        return _PLAIN.get(node.id) or _defined(node.id, tree)
    if isinstance(node, ast.BinOp):
        return typing.Union[_type_of(node.left, tree), _type_of(node.right, tree)]  # noqa: UP007
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if node.value.id == "Literal":
            return typing.Literal[tuple(ast.literal_eval(part) for part in inside)]
        if node.value.id in _LISTS:
            dots = [isinstance(part, ast.Constant) and part.value is ... for part in inside]
            kinds = [... if d else _type_of(p, tree) for p, d in zip(inside, dots, strict=True)]
            return _LISTS[node.value.id][tuple(kinds)]
    return Any


def _defined(name: str, tree: ast.Module) -> Any:
    """Return the type that a file gives a name, itself or from the file that it imports it from."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return _type_of(node.value, tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("roadseg."):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _defined(alias.name, source_of(str(node.module)))
    return Any
