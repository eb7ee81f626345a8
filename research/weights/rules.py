"""What may differ between the variables of a network and the arrays that it is given."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras

from roadseg.errors import RoadsegError
from roadseg.layers.introspection import weights
from roadseg.models.original import Original

Part = Literal["all", "backbone", "fitting"]
OTHERWISE = "--start.part fitting takes what fits"
EVERYTHING = ("",)
"""How every name begins."""


@dataclass(frozen=True)
class Rules:
    """What may differ between the variables of a network and the arrays of a source.

    As it stands, nothing: names and shapes are the same. Parts of names are how they begin.
    """

    rename: Callable[[str], str] = str
    """Gives the name in the source of a variable, from its path here."""
    alias: Callable[[str], str] = str
    """Gives the name that `rename` gives, from another one that the source may have for it."""
    scope: tuple[str, ...] | None = ()
    """What names of the source may lack at their front; None: what a backbone by itself lacks."""
    layout: str = "tensorflow"
    """Axis order of the kernels, 'tensorflow' (as Keras has it) or 'pytorch'."""
    only: tuple[str, ...] = EVERYTHING
    """Paths of the variables that are wanted; the others keep their values."""
    backbone: tuple[str, ...] = ()
    """Paths of the backbone; what is behind it is the head."""
    heads: tuple[str, ...] = ()
    """Auxiliary heads: the source may lack all of them, and may have them where the network has
    none."""
    may_lack: Literal["nothing", "head", "anything"] = "nothing"
    """head: the last layers of the head or all of it."""
    may_have_more: tuple[str, ...] = ()
    """Names of the source that have no place here; () for none, EVERYTHING for any."""
    class_dependent: Callable[[], set[str]] | None = None
    """Gives the paths that depend on the number of classes. The source may have them in another
    shape, or lack all of them; they keep their values then. Asked for where something differs."""
    other_classes: bool = False
    """Whether the classes of the source are others although their number is the same."""
    other_shapes: bool = False
    """Whether a variable of another shape keeps its values."""
    otherwise: tuple[str, ...] = ()
    """Further ways out where the source is refused, for the message."""

    @classmethod
    def of(cls, original: Original, **changes: Any) -> "Rules":
        """Return the rules for arrays under the names of `original`, but for `changes`."""
        values: dict[str, Any] = {
            "rename": original.reference_name,
            "alias": original.renamed,
            "scope": None,
            "layout": original.layout,
            "backbone": original.backbone,
            "heads": original.auxiliary_heads,
            "may_have_more": original.unused_in_original,
        }
        return cls(**{**values, **changes})


def rules_of_part(
    model: keras.Model,
    original: Original,
    part: Part,
    class_dependent: Callable[[], set[str]] | None = None,
    source: object = "",
) -> Rules:
    """Return the rules by which `model` starts from arrays under the names of `original`.

    part: 'all': of the head the last layers may be missing, or the whole; 'backbone': all weights
        whose path begins as original.backbone says, whatever else there is; 'fitting': every
        weight that the source holds by its name and with its shape.
    class_dependent: gives the paths that depend on the number of classes. They are not counted to
        the backbone, even where they lie in it (ESPNet's encoder has a classifier).
    Raises RoadsegError naming `source` where `model` has no backbone by a name.
    """
    if part == "all":
        return Rules.of(original, may_lack="head", class_dependent=class_dependent)
    if part == "fitting":
        return Rules.of(original, may_lack="anything", may_have_more=EVERYTHING, other_shapes=True)
    if not any(path.startswith(original.backbone) for path in weights(model)):
        raise RoadsegError(f"{source}: {model.name} has no backbone by a name; {OTHERWISE}")
    return Rules.of(
        original,
        only=original.backbone,
        may_have_more=EVERYTHING,
        class_dependent=class_dependent,
        other_classes=class_dependent is not None,
        otherwise=(OTHERWISE,),
    )


def of_other_classes(
    names: Sequence[str], missing: Sequence[str], unlike: Collection[str], rules: Rules
) -> set[str]:
    """Return those of the paths `names` that depend on the classes, if the source has others.

    Other classes show in the shapes, or as all of these variables missing; one of them missing
    alone is a hole.
    """
    if rules.class_dependent is None:
        return set()
    if not (rules.other_classes or unlike) and may_lack(missing, names, rules):
        return set()
    dependent = rules.class_dependent() & set(names)
    without_heads = {path for path in dependent if not path.startswith(rules.heads)}
    if rules.other_classes or dependent & set(unlike) or without_heads <= set(missing):
        return dependent
    return set()


def may_lack(missing: Sequence[str], names: Sequence[str], rules: Rules) -> bool:
    """Return whether a source of the variables `names` may lack `missing`, both in their order."""
    heads = [path for path in names if path.startswith(rules.heads)]
    if rules.may_lack == "anything" or list(missing) in ([], heads):
        return True
    head = [path for path in names if not path.startswith(rules.backbone)]
    return rules.may_lack == "head" and _is_end(missing, head, heads)


def _is_end(missing: Sequence[str], head: Sequence[str], heads: Sequence[str]) -> bool:
    """Return whether `missing` are the last layers of the head, or all of it.

    head: paths behind the backbone, in the order of the network. heads: those of auxiliary heads
    among them, which may be missing together as well.
    """
    absent = set(missing)
    if list(missing) == list(head):
        return True
    if absent & set(heads) not in (set(), set(heads)):
        return False
    main = [path for path in head if path not in set(heads)]
    last = [path for path in main if path in absent]
    whole = {path.rpartition("/")[0] for path in main[: len(main) - len(last)]}
    cut = any(path.rpartition("/")[0] in whole for path in last)
    return absent <= set(head) and last == main[len(main) - len(last) :] and not cut
