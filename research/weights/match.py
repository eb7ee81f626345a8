"""Arrays by name into the variables of a network: the one way there is, by rules."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import keras
import numpy as np

from roadseg.errors import RoadsegError
from roadseg.layers.introspection import weights
from roadseg.models.original import CLASSIFIER, backbone_scope
from roadseg.npz import check_finite, shape_of
from roadseg.weights.layouts import from_pytorch, pytorch_shape
from roadseg.weights.listing import compressed, layers_of, listing, shortened
from roadseg.weights.rules import Rules, may_lack, of_other_classes

Targets = dict[str, tuple[keras.layers.Layer, keras.Variable]]
EXACT = Rules()


@dataclass(frozen=True)
class Match:
    """What a source gives to the variables of a network; `apply` sets them."""

    source: str
    taken: tuple[str, ...]
    """Paths of the variables that are set."""
    other_classes: tuple[str, ...]
    """Paths that keep their values, since the source has other classes."""
    absent: tuple[str, ...]
    """Paths that keep their values, since the source has none for them or they are not wanted."""
    left: tuple[str, ...]
    """Names of the source that are not used."""
    names: Mapping[str, str] = field(repr=False)
    """Name in the source by path, of those taken."""
    _targets: Targets = field(repr=False)
    _arrays: Mapping[str, np.ndarray] = field(repr=False)
    _layout: str = field(repr=False)

    @property
    def kept(self) -> tuple[str, ...]:
        """Paths of all variables that keep their values, in the order of the network."""
        kept = {*self.other_classes, *self.absent}
        return tuple(path for path in self._targets if path in kept)

    def __str__(self) -> str:
        """Return one line for people."""
        line = f"{len(self.taken)} of {len(self._targets)} variables"
        if self.other_classes:
            line += f"; initialised, other classes: {layers_of(self.other_classes)}"
        if self.absent:
            line += f"; initialised: {compressed(self.absent, [*self.taken, *self.other_classes])}"
        return line + (
            f"; left in the source: {compressed(self.left, self.names.values())}"
            if self.left
            else ""
        )

    def apply(self) -> "Match":
        """Set the variables, all or none, and return the match.

        Raises RoadsegError, naming the value, for what no network computes with: no number, whole
        numbers (which stand for others in quantised networks) and variances below 0.
        """
        apply_all([self])
        return self

    def _values(self) -> list[tuple[keras.Variable, np.ndarray]]:
        found = []
        for path, name in self.names.items():
            layer, variable = self._targets[path]
            values = _checked(np.asarray(self._arrays[name]), variable, self.source, name)
            if self._layout == "pytorch":
                values = from_pytorch(values, variable, layer)
            found.append((variable, values))
        return found


def apply_all(matches: Sequence[Match]) -> None:
    """Set the variables of several matches, in their order; all or none, as `Match.apply`."""
    # The list is made first: every value is checked before one is set.
    for variable, values in [pair for match in matches for pair in match._values()]:
        variable.assign(values)


class WrongShape(RoadsegError):
    """The names of a source fit, the shape of one does not: other options, or other classes."""


class ForeignWeights(RoadsegError):
    """The source belongs to another network; `listing` names every weight that says so."""

    backbone_alone = False
    """Whether nothing but the head is missing."""

    def __init__(self, message: str, missing: Iterable[str], left_over: Iterable[str]) -> None:
        """Keep the names of both kinds, as the original has them."""
        super().__init__(message)
        self.missing, self.left_over = tuple(missing), tuple(left_over)

    @property
    def listing(self) -> str:
        """Every name, one group a line."""
        return "\n".join(listing("missing", self.missing) + listing("left over", self.left_over))


def match(
    model: keras.Model, arrays: Mapping[str, np.ndarray], source: object, rules: Rules = EXACT
) -> Match:
    """Return what `arrays` gives to `model` by `rules`, from names and shapes alone.

    No array is read, and nothing is set before `Match.apply`.
    Raises RoadsegError naming `source`: ForeignWeights for names that are missing or left over,
    WrongShape for an array of another shape.
    """
    targets = weights(model)
    names = {path: rules.rename(path) for path in targets if path.startswith(rules.only)}
    full = _full_names(names, arrays, rules)
    found = {path: full[name] for path, name in names.items() if name in full}
    missing = [path for path in names if path not in found]
    extra = _left_over(names, full, missing, rules)
    unlike = [path for path in found if not _is_like(targets[path], found[path], arrays, rules)]
    dependent: set[str] = set()
    # Only where it can matter: to find them out, the network is built twice.
    if not extra and not rules.other_shapes:
        dependent = of_other_classes(list(names), missing, unlike, rules)
    lacking = [path for path in missing if path not in dependent]
    wanted = [path for path in names if path not in dependent]
    if extra or not may_lack(lacking, wanted, rules):
        raise _foreign(model, source, {path: names[path] for path in lacking}, extra, names, rules)
    for path in unlike:
        if path not in dependent and not rules.other_shapes:
            raise _wrong_shape(targets[path], found[path], arrays, source, rules)
    taken = {p: name for p, name in found.items() if p not in dependent and p not in unlike}
    if not taken and rules.may_lack != "anything":
        raise _foreign(model, source, {path: names[path] for path in lacking}, extra, names, rules)
    if not taken:
        raise RoadsegError(
            f"{source}: no variable of it fits {model.name} by name and shape; it holds "
            f"{compressed(sorted(arrays))}; name the weights of a network of this kind"
        )
    used = set(taken.values())
    return Match(
        str(source),
        tuple(taken),
        tuple(path for path in names if path in dependent),
        tuple(path for path in targets if path not in taken and path not in dependent),
        tuple(name for name in arrays if name not in used),
        taken,
        targets,
        arrays,
        rules.layout,
    )


def _full_names(names: Mapping[str, str], arrays: Collection[str], rules: Rules) -> dict[str, str]:
    """Return the names in `arrays` by those that a whole network has for them.

    names: the latter by path, as far as they are wanted.
    """
    wanted = set(names.values())
    aliases = {name: rules.alias(name) for name in arrays}
    # A name stays as it is where the source has the other one as well: it is left over then.
    own = {name if alias in arrays else alias: name for name, alias in aliases.items()}
    if rules.scope is None:
        backbone = {names[path] for path in names if path.startswith(rules.backbone)}
        scope = backbone_scope(set(own), backbone or wanted)
        return {name if name in CLASSIFIER else scope + name: own[name] for name in own}
    full = {}
    for name, theirs in own.items():
        known = (name, *(scope + name for scope in rules.scope))
        full[next((one for one in known if one in wanted), name)] = theirs
    return full


def _left_over(
    names: Mapping[str, str], full: Mapping[str, str], missing: Sequence[str], rules: Rules
) -> list[str]:
    """Return the names of the source that have no place here and may not be there."""
    may = rules.may_have_more
    if not any(path.startswith(rules.heads) for path in names):
        may += rules.heads
    head = [path for path in names if not path.startswith(rules.backbone)]
    # A file of the backbone alone may bring ImageNet's last layer; one with the head may not.
    classifier = CLASSIFIER if list(missing) == head and rules.backbone else ()
    extra = sorted(set(full) - set(names.values()) - set(classifier))
    return [full[name] for name in extra if not name.startswith(may)]


def _foreign(
    model: keras.Model,
    source: object,
    missing: Mapping[str, str],
    left_over: Sequence[str],
    names: Mapping[str, str],
    rules: Rules,
) -> ForeignWeights:
    """Return the error for names that are `missing` (by path) or left over."""
    lacking = [*missing.values()]
    lack = f"it lacks {shortened(lacking)} ({len(missing)} of {len(names)})"
    whole = len(missing) == len(names)
    if not (whole or left_over) and may_lack([*missing], [*names], replace(rules, may_lack="head")):
        error = ForeignWeights(
            f"{source}: no whole {model.name}: {lack}, of its head; take the backbone of it "
            "(--start.part backbone, or create(part='backbone')), or a file that has them",
            lacking,
            (),
        )
        error.backbone_alone = True
        return error
    parts = [lack] if missing else []
    if left_over:
        parts.append(f"it also holds {shortened(left_over)}")
    return ForeignWeights(
        f"{source}: the weights of another network than {model.name}, or of other options: "
        f"{'; '.join([*parts, *rules.otherwise])}",
        lacking,
        left_over,
    )


def _is_like(
    target: tuple[keras.layers.Layer, keras.Variable],
    name: str,
    arrays: Mapping[str, np.ndarray],
    rules: Rules,
) -> bool:
    """Return whether an array has the shape of a variable, in the layout of the source."""
    layer, variable = target
    shape, ours = shape_of(arrays, name), tuple(variable.shape)
    if shape == ours and (rules.layout == "tensorflow" or variable.name != "kernel"):
        return True
    return shape == _shape_there(layer, variable, rules.layout)


def _shape_there(
    layer: keras.layers.Layer, variable: keras.Variable, layout: str
) -> tuple[int, ...]:
    """Return the shape of `variable`, which belongs to `layer`, in the axis order `layout`."""
    return pytorch_shape(variable, layer) if layout == "pytorch" else tuple(variable.shape)


def _wrong_shape(
    target: tuple[keras.layers.Layer, keras.Variable],
    name: str,
    arrays: Mapping[str, np.ndarray],
    source: object,
    rules: Rules,
) -> WrongShape:
    shape, ours = shape_of(arrays, name), _shape_there(*target, rules.layout)
    outputs = 0 if rules.layout == "pytorch" else -1
    fits = "a network of another width or with other options"
    if rules.class_dependent is None:
        differ = len(shape) == len(ours) > 0 and shape[outputs] != ours[outputs]
        count = f"{shape[outputs]} classes" if differ else "another class count"
        fits = f"a network of {count}, another width or other options"
    fits = "; ".join([f"{fits} would fit", *rules.otherwise])
    return WrongShape(f"{source}: {name} has shape {shape}, here it is {ours}; {fits}")


def _checked(values: np.ndarray, variable: keras.Variable, source: str, name: str) -> np.ndarray:
    """Return the values of a variable; RoadsegError for what no network computes with."""
    if "float" in str(variable.dtype) and values.dtype.kind != "f":
        raise RoadsegError(
            f"{source}: '{name}' is of type {values.dtype}; take a checkpoint of plain floats"
        )
    values = check_finite(values, source, name)
    # An empty array has no minimum without `initial`.
    if variable.path.endswith("moving_variance") and values.min(initial=0.0) < 0:
        raise RoadsegError(
            f"{source}: '{name}' holds {values.min():g}, below 0, which is no variance; copy the "
            "file again, or take another"
        )
    return values
