"""Networks of other packages: named as "package.module:function", or by an entry point."""

import importlib
import importlib.metadata
from collections.abc import Callable
from typing import Any

from roadseg.errors import RoadsegError

GROUP = "roadseg.models"
"""Entry points by which an installed package offers networks: name = "package.module:function"."""


def is_path(name: str) -> bool:
    """Return whether a name says where a builder lies, as "package.module:function" does."""
    return ":" in name


def load(path: str) -> Callable[..., Any]:
    """Return the function at "package.module:function".

    Raises RoadsegError for a module that is not there or fails, and for what is no function in it.
    """
    module_name, _, attribute = path.partition(":")
    if not module_name or not attribute.isidentifier():
        raise RoadsegError(f"{path}: a network of your own is package.module:function")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise RoadsegError(
            f"{path}: no module '{error.name}'; install its package, or name the folder that "
            "holds it in PYTHONPATH"
        ) from error
    build = getattr(module, attribute, None)
    if not callable(build):
        there = [name for name, value in vars(module).items() if callable(value)]
        own = [name for name in there if getattr(module, name).__module__ == module_name]
        raise RoadsegError(
            f"{path}: no function '{attribute}' in {module.__file__}; there are: {', '.join(own)}"
        )
    return build  # type: ignore[no-any-return]


def entry_points() -> dict[str, str]:
    """Return where installed packages say that their networks lie, by name; imports none."""
    return {point.name: point.value for point in importlib.metadata.entry_points(group=GROUP)}
