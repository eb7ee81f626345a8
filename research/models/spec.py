"""What is known of a network by its name: its builder, and what its original calls its weights."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import keras

from roadseg.errors import RoadsegError
from roadseg.models.original import Original

Task = Literal["segmentation", "two_cameras", "flow"]


@dataclass(frozen=True)
class ModelSpec:
    """How a network is built, what it needs, and what its original calls its weights."""

    build: Callable[..., keras.Model]
    """Takes num_classes, unless it finds flows, and keyword options; see `task`."""
    task: Task = "segmentation"
    """Images 0..255 to logits at input size; with "two_cameras", both by name ("wide", "narrow");
    "flow": images "first" and "second" to flows by name."""
    parameters: int | None = None
    """Trainable values at inference, default options, 19 classes; None: not published."""
    size_multiple: int = 1
    """Height and width have to be multiples of it."""
    min_batch_size: int = 1
    """Images that batch normalisation has to see together in training."""
    any_size_options: Mapping[str, Any] = field(default_factory=dict)
    """Options that let it take images of any size, where by default there is a least one."""
    auxiliary_heads: tuple[str, ...] = ()
    """How the names of layers begin that `auxiliary_heads=True` adds weights in; () for none."""
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """How the names of layers begin that stages of training freeze or hand on as one, by a name."""
    original: Original = field(default_factory=Original)
    """Names and kernels of the original, for published weights."""

    @property
    def has_classes(self) -> bool:
        """Whether the builder takes a number of classes first."""
        return self.task != "flow"

    @property
    def labels_images(self) -> bool:
        """Whether the network labels single images."""
        return self.task == "segmentation"


def checked(name: str, entry: ModelSpec) -> ModelSpec:
    """Return `entry`; raise RoadsegError where it is no network that could be built."""
    if entry.task not in get_args(Task):
        raise RoadsegError(f"{name}: no task '{entry.task}'; there are {', '.join(get_args(Task))}")
    if not callable(entry.build):
        raise RoadsegError(f"{name}: {entry.build!r} is no function that builds a network")
    names = list(inspect.signature(entry.build).parameters)
    if entry.has_classes and names[:1] != ["num_classes"]:
        raise RoadsegError(f"{name}: a builder takes num_classes first, not {names[:1]}")
    for word in ("size_multiple", "min_batch_size"):
        value = getattr(entry, word)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise RoadsegError(f"{name}: {value!r} for a whole number of at least 1")
    return entry
