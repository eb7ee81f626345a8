"""A part of a file of weights into a network: the backbone alone, or whatever fits."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np

from roadseg.errors import RoadsegError
from roadseg.layers.introspection import weights
from roadseg.models.original import Original, backbone_scope
from roadseg.npz import check_finite
from roadseg.weights.listing import SHOWN, group, shortened
from roadseg.weights.match import fit, published_shape

Part = Literal["backbone", "fitting"]
OTHERWISE = "--start.part fitting takes what fits"


@dataclass(frozen=True)
class PartAssigned:
    """What a network took from a source, by its paths here, and what was not taken, on both sides.

    Names that have a place are in `taken` or in `drawn`; `left` holds names of the source.
    """

    part: Part
    taken: tuple[str, ...]
    drawn: tuple[str, ...]
    """Weights here that keep their first values."""
    left: tuple[str, ...]
    """Names of the source that were not taken; the others are in `used`."""
    used: tuple[str, ...]

    def __str__(self) -> str:
        """Return one line for people."""
        line = f"{self.part}: {len(self.taken)} of {len(self.taken) + len(self.drawn)} variables"
        sides = (("left in it", self.left, self.used), ("as drawn", self.drawn, self.taken))
        for what, names, others in sides:
            line += f"; {what}: {compressed(names, others)}" if names else ""
        return line


def assign_part(
    model: keras.Model,
    arrays: Mapping[str, np.ndarray],
    source: str,
    original: Original,
    part: Part,
    of_classes: Callable[[], set[str]] = set,
) -> PartAssigned:
    """Set a part of the weights of `model` from `arrays`; return what was set and what was not.

    arrays: by `original.reference_name(path)` of each weight, the backbone also without its scope.
    part: 'backbone', all weights whose path begins as original.backbone says, whatever else there
        is; 'fitting', every weight that `arrays` holds by its name and with its shape.
    of_classes: gives the paths that depend on the number of classes. They are not counted to the
        backbone, even where they lie in it (ESPNet's encoder has a classifier).
    Raises RoadsegError naming `source`, before anything is set, where a weight of the backbone is
    absent or of another shape, where `model` has no backbone by a name, and where nothing fits.
    """
    targets = weights(model)
    names = {path: original.reference_name(path) for path in targets}
    found = _found(names, arrays, original)
    if part == "backbone":
        found = _whole_backbone(model, names, found, original, of_classes, source)
    fitted, unfit = {}, []
    for path, name in found.items():
        layer, variable = targets[path]
        read = check_finite(np.asarray(arrays[name]), source, name)
        values = fit(read, variable, layer, original.layout)
        if values is not None:
            fitted[path] = values
        else:
            ours = published_shape(variable, layer, original.layout)
            unfit.append(f"{name} has shape {arrays[name].shape}, here it is {ours}")
    if unfit and part == "backbone":
        raise RoadsegError(
            f"{source}: {unfit[0]} ({len(unfit)} of the backbone's {len(found)} differ); give "
            f"--network.options of that width, or {OTHERWISE}"
        )
    if not fitted:
        raise RoadsegError(
            f"{source}: no variable of it fits {model.name} by name and shape; it holds "
            f"{compressed(sorted(arrays))}; name the weights of a network of this kind"
        )
    for path, values in fitted.items():
        targets[path][1].assign(values)
    used = {found[path] for path in fitted}
    return PartAssigned(
        part,
        tuple(fitted),
        tuple(path for path in targets if path not in fitted),
        tuple(name for name in arrays if name not in used),
        tuple(used),
    )


def _found(
    names: Mapping[str, str], arrays: Mapping[str, np.ndarray], original: Original
) -> dict[str, str]:
    """Return the name in `arrays` by the path here, for those of `names` (by path) that it has."""
    aliases = {name: original.renamed(name) for name in arrays}
    own = {name if alias in arrays else alias: name for name, alias in aliases.items()}
    backbone = {path for path in names if path.startswith(original.backbone)}
    scope = backbone_scope(set(own), {names[path] for path in backbone})
    if scope:
        # The source is the backbone by itself: its other names are no part of this network.
        short = {path: names[path].removeprefix(scope) for path in backbone}
        return {path: own[name] for path, name in short.items() if name in own}
    return {path: own[name] for path, name in names.items() if name in own}


def _whole_backbone(
    model: keras.Model,
    names: Mapping[str, str],
    found: Mapping[str, str],
    original: Original,
    of_classes: Callable[[], set[str]],
    source: str,
) -> dict[str, str]:
    """Return those of `found` that make up the backbone; raise RoadsegError if it is not whole."""
    backbone = [path for path in names if path.startswith(original.backbone)]
    if not backbone:
        raise RoadsegError(f"{source}: {model.name} has no backbone by a name; {OTHERWISE}")
    dependent = of_classes()
    wanted = [path for path in backbone if path not in dependent]
    absent = [names[path] for path in wanted if path not in found]
    if absent:
        raise RoadsegError(
            f"{source}: not the backbone of {model.name}: it lacks {shortened(absent)} "
            f"({len(absent)} of {len(wanted)}); name a file that has it, or {OTHERWISE}"
        )
    return {path: found[path] for path in wanted}


def compressed(names: Iterable[str], others: Iterable[str] = ()) -> str:
    """Return the modules of `names`, the first few by name: 'aspp0, decoder and 3 more (20)'.

    A module that has none of `others` is named as a whole, by the first part of its name.
    """
    names = list(names)
    divided = {_first(name) for name in others}
    modules = {
        label: None
        for module, members in group(names).items()
        for label in [module if _first(members[0]) in divided else _first(members[0])]
    }
    more = f" and {len(modules) - SHOWN} more" if len(modules) > SHOWN else ""
    return f"{', '.join([*modules][:SHOWN])}{more} ({len(names)})"


def _first(name: str) -> str:
    return re.split(r"[./]", name)[0]
