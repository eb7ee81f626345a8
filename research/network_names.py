"""The names of the networks, without the networks: read from the table's source.

The registry builds on Keras, whose import takes seconds; a name that is wrong is said before that.
"""

import ast
import difflib
import sys
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec

from roadseg.errors import RoadsegError

_TABLE = "NETWORKS"


@cache
def network_names() -> tuple[str, ...]:
    """Return the names in the table of `models.registry`, sorted; none where it has no source."""
    spec = find_spec("roadseg.models.registry")
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return ()
    with open(spec.origin, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    for node in tree.body:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        if node.target.id == _TABLE and isinstance(node.value, ast.Dict):
            keys = (key.value for key in node.value.keys if isinstance(key, ast.Constant))
            return tuple(sorted(map(str, keys)))
    return ()


def refuse_unknown_network(name: str) -> None:
    """Raise RoadsegError, naming near ones, for a name that no network has.

    Networks of other packages, and those that this process has registered, are known as well.
    """
    names = network_names()
    if not names or name in names or ":" in name:
        return
    registry = sys.modules.get("roadseg.models.registry")
    if registry is not None and registry.is_known(name):
        return
    if any(point.name == name for point in entry_points(group="roadseg.models")):
        return
    near = difflib.get_close_matches(name, names) or names
    raise RoadsegError(
        f"no network '{name}'; did you mean {' or '.join(near)}? one of your own is "
        "package.module:function"
    )
