"""Arrays by name into a network: all of them or none, and a report of what did not fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras
import numpy as np

from roadseg.errors import RoadsegError
from roadseg.layers.walk import weights
from roadseg.weights.layouts import from_pytorch

Arrays = dict[str, np.ndarray]
TRUNK = "backbone."


@dataclass(frozen=True)
class Assigned:
    """Which weights of a network a source gave, by their path here."""

    taken: tuple[str, ...]
    drawn: tuple[str, ...]
    """Weights outside the trunk that the source lacks; they keep their values."""

    def __str__(self) -> str:
        """Return one line for people."""
        line = f"{len(self.taken)} of {len(self.taken) + len(self.drawn)} variables"
        layers = dict.fromkeys(path.split("/")[0].split(".")[0] for path in self.drawn)
        return line + (f"; not in the source: {', '.join(layers)}" if layers else "")


def assign(
    model: keras.Model,
    arrays: Mapping[str, np.ndarray],
    source: str,
    reference_name: Callable[[str], str] = str,
    layout: str = "tensorflow",
) -> Assigned:
    """Set the weights of `model` from `arrays` and return what was set.

    arrays: by `reference_name(path)` of each weight; the names of the original, or `str` for ours.
    layout: axis order of the kernels, 'tensorflow' (as Keras has it) or 'pytorch'.
    The head (all layers but `backbone.*`) may be absent, but only as a whole: an ImageNet trunk has
    none. Anything else missing, left over or of another shape is refused, and nothing is set.
    Raises RoadsegError naming `source`, the names and both shapes.
    """
    targets = weights(model)
    names = {path: reference_name(path) for path in targets}
    missing = [path for path in targets if names[path] not in arrays]
    left_over = sorted(set(arrays) - set(names.values()))
    head = [path for path in targets if not path.startswith(TRUNK)]
    if left_over or (missing and missing != head):
        raise RoadsegError(
            f"{source}: the weights of another network than {model.name}: "
            + "; ".join([*_listed("lacks", [names[path] for path in missing])]
                        + [*_listed("also holds", left_over)])
        )  # fmt: skip
    fitted = {}
    for path, (layer, variable) in targets.items():
        if path not in missing:
            values = np.asarray(arrays[names[path]])
            fitted[path] = _fit(values, variable, layer, layout, f"{source}: {names[path]}")
    for path, values in fitted.items():
        targets[path][1].assign(values)
    return Assigned(tuple(fitted), tuple(missing))


def _listed(verb: str, names: list[str]) -> list[str]:
    """Return 'lacks a, b, c and 4 more', or nothing for no names."""
    if not names:
        return []
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [f"it {verb} {', '.join(names[:3])}{more}"]


def _fit(
    values: np.ndarray,
    variable: keras.Variable,
    layer: keras.layers.Layer,
    layout: str,
    what: str,
) -> np.ndarray:
    """Return `values` in the layout of `variable`, or raise RoadsegError naming both shapes."""
    ours = tuple(variable.shape)
    try:
        if layout == "pytorch":
            return from_pytorch(values, variable, layer)
        if values.shape == ours:
            return values
    except ValueError:
        pass
    hint = ""
    if values.shape[:-1] == ours[:-1] and len(ours) in (1, 4):
        hint = f"; a network of {values.shape[-1]} classes or of another width would fit"
    raise RoadsegError(f"{what} has shape {values.shape}, here it is {ours}{hint}")
