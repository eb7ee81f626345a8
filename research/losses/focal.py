"""Focal loss: cross-entropy that pays less attention to what is already right."""

from typing import Any

from keras import ops

Tensor = Any


def sigmoid_focal_loss(
    targets: Tensor, logits: Tensor, alpha: float = 0.25, gamma: float = 2.0
) -> Tensor:
    """Return alpha_t (1 - p_t)^gamma times the binary cross-entropy, element by element.

    targets: 0 or 1, of the shape of `logits`; values between are mixed.
    logits: logits, before the sigmoid. p_t is the probability given to the target.
    alpha: weight of the targets that are 1; those that are 0 weigh 1 - alpha.
    Source: Lin et al. 2017, eq. 5; tensorflow-addons 0.22, losses/focal_loss.py.
    """
    logits = ops.convert_to_tensor(logits)
    targets = ops.cast(targets, logits.dtype)
    entropy = ops.binary_crossentropy(targets, logits, from_logits=True)
    return _focal(targets, ops.sigmoid(logits), entropy, alpha, gamma)


def focal_loss_of_probabilities(
    targets: Tensor, probabilities: Tensor, alpha: float = 0.25, gamma: float = 2.0
) -> Tensor:
    """Return the loss of `sigmoid_focal_loss` for probabilities, 0..1, instead of logits.

    They are kept 1e-7 from both ends, and 1e-7 is added in the logarithm too, as Keras 2 did.
    """
    probabilities = ops.convert_to_tensor(probabilities)
    targets = ops.cast(targets, probabilities.dtype)
    kept = ops.clip(probabilities, 1e-7, 1 - 1e-7)
    entropy = -targets * ops.log(kept + 1e-7) - (1 - targets) * ops.log(1 - kept + 1e-7)
    return _focal(targets, probabilities, entropy, alpha, gamma)


def focal_factor(losses: Tensor, gamma: float) -> Tensor:
    """Return (1 - p)^gamma of pixels whose cross-entropy is `losses`, so that p = exp(-losses)."""
    if not gamma:
        return ops.ones_like(losses)
    # Kept above 0, where a power below 1 has an infinite slope.
    return ops.maximum(-ops.expm1(-losses), 1e-7) ** gamma


def _focal(targets: Tensor, p: Tensor, entropy: Tensor, alpha: float, gamma: float) -> Tensor:
    missing = targets * (1 - p) + (1 - targets) * p
    weight = targets * alpha + (1 - targets) * (1 - alpha)
    return weight * missing**gamma * entropy
