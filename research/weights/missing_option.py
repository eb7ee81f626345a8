"""The options of a network that are one step from those given: what a refusal may have to name."""

import inspect
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from roadseg.models.registry import find

_WIDTHS = (0.25, 0.35, 0.5, 0.75, 1.0, 1.3, 1.4, 1.5, 2.0)
_COUNTS = range(1, 9)
# They decide no weights, or how images come in.
_PASSED_OVER = ("num_classes", "input_shape", "include_preprocessing", "normalisation", "rig")


def neighbours(model: str, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the options of the network `model` that differ from those given in one value.

    Words and flags come first, since each is one network more to build; then whole numbers, and
    widths.
    """
    parameters = inspect.signature(find(model).build, eval_str=True).parameters
    ways: list[tuple[int, str, list[Any]]] = []
    for name, parameter in parameters.items():
        default, hint = parameter.default, parameter.annotation
        if name in _PASSED_OVER or name == "auxiliary_heads":
            continue
        if typing.get_origin(hint) is typing.Literal:
            ways.append((0, name, list(typing.get_args(hint))))
        elif isinstance(default, bool):
            ways.append((0, name, [True, False]))
        elif isinstance(default, int):
            ways.append((1, name, list(_COUNTS)))
        elif isinstance(default, float):
            ways.append((2, name, list(_WIDTHS)))
    for _, name, values in sorted(ways, key=lambda way: way[0]):
        own = given.get(name, parameters[name].default)
        for value in values:
            if value != own:
                yield {**given, name: value}
