"""What a model says of each pixel: made of its logits in a graph, and compared with Keras's."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from roadseg.export.interface import OUTPUTS, Interface
from roadseg.export.views import Views, parts, prefixed

LABEL_TOLERANCE = 1e-3
# Of the largest logit: ten times what single precision leaves in the deepest network here.
LOGIT_TOLERANCE = 1e-4
# What that is of a share, where the largest logit is 20.
SHARE_TOLERANCE = 1e-3

Outputs = Mapping[str, np.ndarray]
Differences = dict[str, tuple[float, float]]
"""By name of an output: the largest difference, of labels the share of others; and what may be."""


def pixel_outputs(
    interface: Interface,
    logits: Callable[[], Views],
    labels: Callable[[], Any] | None = None,
    best: Callable[[Any], Any] | None = None,
) -> dict[str, Any]:
    """Return the outputs that `interface` names, by name, as tensors.

    logits: makes class logits (batch, height, width, classes) float32, of several cameras by name.
    labels: a quicker way to labels than the best of the logits, taken where nothing but labels is
        asked for.
    best: makes labels int32 of logits; None for `ops.best_class`.
    """
    from roadseg.ops.best_class import best_class

    if labels is not None and interface.outputs == ("labels",):
        return {"labels": labels()}
    return {
        prefixed(view, name): value
        for view, made in parts(logits())
        for name, value in _outputs_of(interface, made, best or best_class).items()
    }


def _outputs_of(interface: Interface, made: Any, best: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the outputs of one image by name. made: its class logits."""
    import tensorflow as tf

    # Once, where both are asked for. Not by the sum of exponentials: in 8 bits these are lost.
    shares = tf.nn.softmax(made) if {*interface.outputs} & {"probabilities", "confidence"} else None
    ways: dict[str, Callable[[], Any]] = {
        "labels": lambda: best(made),
        "logits": lambda: made,
        "probabilities": lambda: shares,
        "confidence": lambda: tf.reduce_max(shares, axis=-1),
    }
    return interface.asked(ways)


def differences(found: Outputs, expected: Outputs) -> Differences:
    """Return how far the outputs of each pixel in `found` are from those in `expected`."""
    made: Differences = {}
    for name, right in expected.items():
        # Of "wide_labels", what it is.
        kind = name.rpartition("_")[2]
        if kind not in OUTPUTS:
            continue
        own = found.get(name)
        if kind == "labels":
            made[name] = (share(own, right), LABEL_TOLERANCE)
        elif kind == "logits":
            largest_logit = float(np.abs(right).max(initial=0))
            made[name] = (largest(own, right), LOGIT_TOLERANCE * largest_logit)
        else:
            made[name] = (largest(own, right), SHARE_TOLERANCE)
    return made


def share(found: np.ndarray | None, expected: np.ndarray) -> float:
    """Return the share of different values; all of them where the shapes differ."""
    if found is None or found.shape != expected.shape:
        return 1.0
    return float(np.mean(found != expected))


def largest(found: np.ndarray | None, expected: np.ndarray) -> float:
    """Return the largest difference; infinity where the shapes differ."""
    if found is None or found.shape != expected.shape:
        return float("inf")
    return float(np.abs(found - expected).max(initial=0))


def note(worst: Differences, found: Differences) -> None:
    """Keep in `worst` what is further beyond its bound than what was there."""
    for name, (away, allowed) in found.items():
        # NaN is worse than anything.
        if name not in worst or not away - allowed <= worst[name][0] - worst[name][1]:
            worst[name] = (away, allowed)
