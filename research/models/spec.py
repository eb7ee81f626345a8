"""What is known of a network by its name: its builder, and what its original calls its weights."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import keras

from roadseg.errors import RoadsegError

Task = Literal["segmentation", "two_views", "flow"]


@dataclass(frozen=True)
class Network:
    """How a network is built, and what its original calls its weights and counts of them."""

    build: Callable[..., keras.Model]
    """Takes num_classes, unless it finds flows, and keyword options; see `task`."""
    reference_name: Callable[[str], str] = str
    """Gives the original's name of a variable, from its path here."""
    parameters: int | None = None
    """Trainable values that inference uses in the original, default options, 19 classes."""
    task: Task = "segmentation"
    """Images 0..255 to scores at input size; with "two_views", both by view ("wide", "narrow");
    "flow": images "first" and "second" to flows by name."""
    layout: Literal["tensorflow", "pytorch"] = "tensorflow"
    """Axis order of the original's kernels."""
    multiple: int = 1
    """Height and width have to be multiples of it."""
    small_images: Mapping[str, Any] = field(default_factory=dict)
    """Options that let it take images of any size, where by default there is a least one."""
    least_batch: int = 1
    """Images that batch normalisation has to see together in training."""
    trunk: tuple[str, ...] = ("backbone.",)
    """How the names of layers begin that weights trained on ImageNet fill."""
    auxiliary: tuple[str, ...] = ()
    """How the names of layers begin that `auxiliary_heads=True` adds weights in; () for none."""
    unused: tuple[str, ...] = ()
    """How the original's parameters begin that no output of it depends on; left out here."""
    aliases: tuple[tuple[str, str], ...] = ()
    """How names begin in published trunks, and in the original itself, where the two differ."""
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """How the names of layers begin that stages of training fix or hand on as one, by a name."""


def checked(name: str, entry: Network) -> Network:
    """Return `entry`; raise RoadsegError where it is no network that could be built."""
    if entry.task not in get_args(Task):
        raise RoadsegError(f"{name}: no task '{entry.task}'; there are {', '.join(get_args(Task))}")
    if not callable(entry.build):
        raise RoadsegError(f"{name}: {entry.build!r} is no function that builds a network")
    names = list(inspect.signature(entry.build).parameters)
    if entry.task != "flow" and names[:1] != ["num_classes"]:
        raise RoadsegError(f"{name}: a builder takes num_classes first, not {names[:1]}")
    for word in ("multiple", "least_batch"):
        value = getattr(entry, word)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise RoadsegError(f"{name}: {value!r} for a whole number of at least 1")
    return entry
