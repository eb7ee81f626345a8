"""What a model says of each pixel: made of its logits in a graph, and compared with Keras's."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from roadseg.export.interface import OUTPUTS, Interface

LABEL_TOLERANCE = 1e-3
# Of the largest logit: ten times what single precision leaves in the deepest network here.
LOGIT_TOLERANCE = 1e-4
# What that is of a share, where the largest logit is 20.
SHARE_TOLERANCE = 1e-3

Outputs = Mapping[str, np.ndarray]
Differences = dict[str, tuple[float, float]]
"""By name of an output: the largest difference, of labels the share of others; and what may be."""


def pixel_outputs(
    interface: Interface, logits: Callable[[], Any], labels: Callable[[], Any] | None = None
) -> dict[str, Any]:
    """Return the outputs that `interface` names, by name, as tensors.

    logits: makes class logits (batch, height, width, classes) float32. labels: a quicker way to
        labels than the best of the logits, taken where nothing but labels is asked for.
    """
    import tensorflow as tf

    from roadseg.ops.best_class import best_class

    if labels is not None and interface.outputs == ("labels",):
        return {"labels": labels()}
    made = logits()
    # Once, where both are asked for. Not by the sum of exponentials: in 8 bits these are lost.
    shares = tf.nn.softmax(made) if {*interface.outputs} & {"probabilities", "confidence"} else None
    ways: dict[str, Callable[[], Any]] = {
        "labels": lambda: best_class(made),
        "logits": lambda: made,
        "probabilities": lambda: shares,
        "confidence": lambda: tf.reduce_max(shares, axis=-1),
    }
    return interface.asked(ways)


def differences(found: Outputs, expected: Outputs) -> Differences:
    """Return how far the outputs of each pixel in `found` are from those in `expected`."""
    made: Differences = {}
    for name in OUTPUTS:
        if name not in expected:
            continue
        own, right = found.get(name), expected[name]
        if name == "labels":
            made[name] = (share(own, right), LABEL_TOLERANCE)
        elif name == "logits":
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
