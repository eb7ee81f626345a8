"""Networks of other packages: named as "package.module:function", or by an entry point."""

import collections
import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import Any

from keras.src.backend.common import global_state

from roadseg.errors import RoadsegError

_COUNTERS = "object_name_uids"


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
        # What the module merely imports is not offered.
        own = [name for name in there if getattr(module, name).__module__ == module_name]
        raise RoadsegError(
            f"{path}: no function '{attribute}' in {module.__file__}; there are: {', '.join(own)}"
        )
    return build


@contextlib.contextmanager
def fresh_names() -> Iterator[None]:
    """Let layers without a name be called as in a new process: conv2d, conv2d_1, ...

    Keras counts them over all networks of a process. Checkpoints know weights by these names, so
    the same network has to come to the same names each time it is built.
    """
    # `keras.backend.clear_session` would forget more than these counters.
    before = global_state.get_global_attribute(_COUNTERS)
    global_state.set_global_attribute(_COUNTERS, collections.defaultdict(int))
    try:
        yield
    finally:
        global_state.set_global_attribute(_COUNTERS, before)
