"""Arrays by name into a network: all of them or none, and a report of what did not fit."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from roadseg.errors import RoadsegError
from roadseg.layers.introspection import weights
from roadseg.models.original import CLASSIFIER, Original, backbone_scope
from roadseg.npz import check_finite, shape_of
from roadseg.weights.layouts import from_pytorch, pytorch_shape
from roadseg.weights.listing import group, listing, shortened

Arrays = dict[str, np.ndarray]
OURS = Original()


@dataclass(frozen=True)
class Assigned:
    """Which weights of a network a source gave, by their path here, and what else it held."""

    taken: tuple[str, ...]
    drawn: tuple[str, ...]
    """Weights of the head, or of auxiliary heads, that the source lacks; they keep their values."""
    left_out: tuple[str, ...] = ()
    """Names of the source that this build has no use for: auxiliary heads, a classifier."""

    def __str__(self) -> str:
        """Return one line for people."""
        line = f"{len(self.taken)} of {len(self.taken) + len(self.drawn)} variables"
        layers = dict.fromkeys(path.split("/")[0].split(".")[0] for path in self.drawn)
        line += f"; not in the source: {', '.join(layers)}" if layers else ""
        groups = group(self.left_out)
        return line + (f"; left out: {', '.join(groups)}" if groups else "")


class WrongShape(RoadsegError):
    """The names of a source fit, the shape of one does not: other options, or other classes."""


class ForeignWeights(RoadsegError):
    """The source belongs to another network; `listing` names every weight that says so."""

    def __init__(self, message: str, missing: Iterable[str], left_over: Iterable[str]) -> None:
        """Keep the names of both kinds, as the original has them."""
        super().__init__(message)
        self.missing, self.left_over = tuple(missing), tuple(left_over)

    @property
    def listing(self) -> str:
        """Every name, one group a line."""
        return "\n".join(listing("missing", self.missing) + listing("left over", self.left_over))


def assign(
    model: keras.Model,
    arrays: Mapping[str, np.ndarray],
    source: str,
    original: Original = OURS,
) -> Assigned:
    """Set the weights of `model` from `arrays` and return what was set.

    arrays: by `original.reference_name(path)` of each weight.
    Every name has to have its place. Three things may differ, each as a whole: the source may lack
    the last layers behind the backbone, which the classes decide, or all of them (ImageNet, names
    with or without the backbone's scope; its classifier is left out), it may lack the auxiliary
    heads of `model`, and it may have heads or unused weights that `model` does not. Anything else
    missing, left over, of another shape or no number is refused, and nothing is set; so are whole
    numbers, which stand for others in quantised networks, and variances below 0, which give no
    number.
    Raises RoadsegError naming `source`, the names and both shapes.
    """
    targets = weights(model)
    names = {path: original.reference_name(path) for path in targets}
    match = _match(names, arrays, original)
    missing = set(match.missing)
    lacking = [names[path] for path in match.missing]
    taken = [path for path in targets if path not in missing and not match.refused]
    if not taken:
        raise _foreign(model, source, lacking, match.left_over, len(names))
    sources = {path: match.found[names[path]] for path in taken}
    # Shapes of all come before the values of any: what does not fit is never read.
    for path in taken:
        shape = shape_of(arrays, sources[path])
        _check_shape(shape, *targets[path], original.layout, f"{source}: {sources[path]}")
    fitted = {}
    for path in taken:
        layer, variable = targets[path]
        values = _checked(np.asarray(arrays[sources[path]]), path, source, sources[path])
        pytorch = original.layout == "pytorch"
        fitted[path] = from_pytorch(values, variable, layer) if pytorch else values
    for path, values in fitted.items():
        targets[path][1].assign(values)
    return Assigned(tuple(fitted), match.missing, match.left_out)


def _checked(values: np.ndarray, path: str, source: str, name: str) -> np.ndarray:
    """Return `values`, those of the variable `path`; RoadsegError for what no network computes."""
    if values.dtype.kind != "f":
        raise RoadsegError(
            f"{source}: '{name}' is of type {values.dtype}; take a checkpoint of plain floats"
        )
    values = check_finite(values, source, name)
    if path.endswith("moving_variance") and values.min(initial=0.0) < 0:
        raise RoadsegError(
            f"{source}: '{name}' holds {values.min():g}, below 0, which is no variance; copy the "
            "file again, or take another"
        )
    return values


@dataclass(frozen=True)
class _Match:
    """Which names of a source have a place, and which not."""

    found: dict[str, str]
    """Name in the source by the name wanted."""
    missing: tuple[str, ...]
    """Paths here that have no name in the source."""
    left_over: tuple[str, ...]
    left_out: tuple[str, ...]
    refused: bool


def _match(names: Mapping[str, str], arrays: Collection[str], original: Original) -> _Match:
    """Return how the names in `arrays` answer to those wanted, `names` by path here."""
    wanted = set(names.values())
    # A name stays as it is where the source has the other one as well: it is left over then.
    aliases = {name: original.renamed(name) for name in arrays}
    own = {name if alias in arrays else alias: name for name, alias in aliases.items()}
    scope = backbone_scope(set(own), wanted)
    found = {name if name in CLASSIFIER else scope + name: own[name] for name in own}
    missing = [path for path, name in names.items() if name not in found]
    head = [path for path in names if not path.startswith(original.backbone)]
    heads = [path for path in names if path.startswith(original.auxiliary_heads)]
    extra = sorted(set(found) - wanted)
    left_out = {name for name in extra if name.startswith(original.unused_in_original)}
    if missing == head:
        left_out |= set(extra) & set(CLASSIFIER)
    if not heads:
        left_out |= {name for name in extra if name.startswith(original.auxiliary_heads)}
    left_over = tuple(found[name] for name in extra if name not in left_out)
    return _Match(
        found,
        tuple(missing),
        left_over,
        tuple(found[name] for name in sorted(left_out)),
        refused=bool(left_over) or not _is_end(missing, head, heads),
    )


def _is_end(missing: Sequence[str], head: Sequence[str], heads: Sequence[str]) -> bool:
    """Return whether a source may lack `missing`: the last layers of the head, or all of it.

    head: paths behind the backbone, in the order of the network. heads: those of auxiliary heads
    among them, which may be missing together as well.
    """
    absent = set(missing)
    if list(missing) in ([], list(head), list(heads)):
        return True
    if absent & set(heads) not in (set(), set(heads)):
        return False
    main = [path for path in head if path not in set(heads)]
    last = [path for path in main if path in absent]
    whole = {path.rpartition("/")[0] for path in main[: len(main) - len(last)]}
    cut = any(path.rpartition("/")[0] in whole for path in last)
    return absent <= set(head) and last == main[len(main) - len(last) :] and not cut


def _foreign(
    model: keras.Model,
    source: str,
    missing: Sequence[str],
    left_over: Sequence[str],
    count: int,
) -> ForeignWeights:
    parts = []
    if missing:
        parts.append(f"it lacks {shortened(missing)} ({len(missing)} of {count})")
    if left_over:
        parts.append(f"it also holds {shortened(left_over)}")
    line = f"{source}: the weights of another network than {model.name}, or of other options: "
    return ForeignWeights(line + "; ".join(parts), missing, left_over)


def fit(
    values: np.ndarray, variable: keras.Variable, layer: keras.layers.Layer, layout: str
) -> np.ndarray | None:
    """Return `values`, in the axis order of `layout`, as `variable` has them; None: no such shape.

    layer: the one that `variable` belongs to.
    """
    try:
        if layout == "pytorch":
            return from_pytorch(values, variable, layer)
    except ValueError:
        return None
    return values if values.shape == tuple(variable.shape) else None


def published_shape(
    variable: keras.Variable, layer: keras.layers.Layer, layout: str
) -> tuple[int, ...]:
    """Return the shape of `variable`, which belongs to `layer`, in the axis order `layout`."""
    return pytorch_shape(variable, layer) if layout == "pytorch" else tuple(variable.shape)


def _check_shape(
    shape: tuple[int, ...],
    layer: keras.layers.Layer,
    variable: keras.Variable,
    layout: str,
    what: str,
) -> None:
    """Raise RoadsegError, naming both shapes, where an array cannot become `variable`."""
    ours = tuple(variable.shape)
    if shape == ours and (layout == "tensorflow" or variable.name != "kernel"):
        return
    ours = published_shape(variable, layer, layout)
    if shape == ours:
        return
    outputs = 0 if layout == "pytorch" else -1
    fits = "a network of another width or with other options"
    if len(shape) == len(ours) and shape[outputs] != ours[outputs]:
        fits = f"a network of {shape[outputs]} classes, another width or other options"
    raise WrongShape(f"{what} has shape {shape}, here it is {ours}; {fits} would fit")
