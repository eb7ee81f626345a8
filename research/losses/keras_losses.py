"""The losses as classes for `model.compile`: logits in, the mean over the pixels that count out.

Under `MirroredStrategy` each replica takes the mean of its own part and Keras averages those, as
with every loss of Keras; `roadseg train` divides by the count of the whole batch instead.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from roadseg.errors import RoadsegError
from roadseg.losses.cross_entropy import pixel_losses
from roadseg.losses.focal import focal_factor
from roadseg.losses.ohem import hard_pixels
from roadseg.ops.resize import resize_bilinear

Tensor = Any
_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


class _Given(keras.losses.Loss):
    """Keras's own way from losses, given in place of predictions, to their mean or sum."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the losses."""
        return y_pred


class _PixelLoss(keras.losses.Loss):
    """A loss of each pixel, of which Keras takes the mean or the sum over those that count."""

    def __init__(
        self,
        ignore: int,
        class_weights: Sequence[float] | None,
        reduction: str | None,
        name: str | None,
        dtype: Any = None,
    ):
        if class_weights is not None:
            class_weights = [float(weight) for weight in class_weights]
            if not class_weights or min(class_weights) < 0:
                raise RoadsegError(f"class_weights={class_weights}: 0 or more wanted")
        # Keras divides by the number of all pixels, unless weights are to be divided by.
        reduction = "mean_with_sample_weight" if reduction in _MEANS else reduction
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.ignore, self.class_weights = ignore, class_weights
        self._reduced = _Given(self.name, self.reduction, dtype)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """Return the loss of `y_pred`, logits (batch, height, width, classes), as a scalar.

        y_true: (batch, height, width) integers, class or `ignore`; a last axis of 1 may follow.
        sample_weight: factors, (batch,) or of the shape of `y_true`; None for all 1.
        With reduction 'none' the result is (batch, height, width), 0 where no pixel counts.
        Logits of another size are brought to that of the labels first, bilinearly with aligned
        corners, as `roadseg train` does with auxiliary heads.
        """
        labels = _flat_labels(y_true, y_pred)
        logits = _at_size_of(labels, ops.convert_to_tensor(y_pred))
        losses, labelled, classes = self._checked(labels, logits)
        weights = self._weights(losses, labelled, classes)
        if sample_weight is not None:
            factors = ops.cast(sample_weight, weights.dtype)
            if len(factors.shape) > 3:
                factors = ops.squeeze(factors, -1)
            while len(factors.shape) < 3:
                factors = ops.expand_dims(factors, -1)
            weights = weights * factors
        # Before the weights: an ignored pixel's infinity times 0 would be NaN.
        losses = self._of_pixels(ops.where(labelled, losses, ops.zeros_like(losses)))
        # `_Given` looks at no labels; the weights only stand in their place.
        return self._reduced(weights, losses, sample_weight=weights)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of each pixel, 0 where no label is; see `__call__`."""
        losses, labelled, _ = self._checked(y_true, y_pred)
        return self._of_pixels(ops.where(labelled, losses, ops.zeros_like(losses)))

    def _of_pixels(self, losses: Tensor) -> Tensor:
        """Return the loss of each pixel from its cross-entropy."""
        return losses

    def _checked(self, labels: Tensor, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        classes = logits.shape[-1]
        if self.class_weights is not None and len(self.class_weights) != classes:
            raise RoadsegError(
                f"class_weights: {len(self.class_weights)} factors for {classes} classes; "
                "give one a class"
            )
        return pixel_losses(logits, labels, self.ignore)

    def _weights(self, losses: Tensor, labelled: Tensor, classes: Tensor) -> Tensor:
        """Return how much each pixel counts: 0, 1, or the factor of its class."""
        kept = self._kept(ops.stop_gradient(losses), labelled)
        weights = ops.cast(kept, losses.dtype)
        if self.class_weights is not None:
            weights *= ops.take(ops.convert_to_tensor(self.class_weights, losses.dtype), classes)
        return weights

    def _kept(self, losses: Tensor, labelled: Tensor) -> Tensor:
        return labelled

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this loss again."""
        own = {"ignore": self.ignore, "class_weights": self.class_weights}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("roadseg")
class Crossentropy(_PixelLoss):
    """Softmax cross-entropy over the labelled pixels.

    ignore: label of pixels that do not count.
    class_weights: one factor a class; the mean is then divided by the sum of the pixels' factors.
    reduction: 'sum_over_batch_size' (here the mean over the pixels that count), 'sum' or 'none'.
    Without class weights the same as keras.losses.SparseCategoricalCrossentropy with
    from_logits=True and ignore_class=ignore.
    """

    def __init__(
        self,
        ignore: int = 255,
        class_weights: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "crossentropy",
        dtype: Any = None,
    ):
        """Keep the arguments; RoadsegError for class weights below 0."""
        super().__init__(ignore, class_weights, reduction, name, dtype)


@keras.saving.register_keras_serializable("roadseg")
class OhemCrossentropy(_PixelLoss):
    """Cross-entropy over the pixels that the network is least sure of.

    threshold, min_kept: see `losses.ohem.ohem_cross_entropy`; the rest as in `Crossentropy`.
    Source: Shrivastava et al. 2016; Fast_Seg 7895738, OhemCrossEntropy2dTensor.
    """

    def __init__(
        self,
        threshold: float = 0.7,
        min_kept: int = 100_000,
        ignore: int = 255,
        class_weights: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "ohem_crossentropy",
        dtype: Any = None,
    ):
        """Keep the arguments; RoadsegError for a threshold outside 0..1 and a min_kept below 0."""
        if not 0 < threshold <= 1:
            raise RoadsegError(f"threshold={threshold}: wanted above 0, at most 1")
        if min_kept < 0:
            raise RoadsegError(f"min_kept={min_kept}: 0 (keep all) or more wanted")
        super().__init__(ignore, class_weights, reduction, name, dtype)
        self.threshold, self.min_kept = threshold, min_kept

    def _kept(self, losses: Tensor, labelled: Tensor) -> Tensor:
        return hard_pixels(losses, labelled, self.threshold, self.min_kept)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this loss again."""
        return {**super().get_config(), "threshold": self.threshold, "min_kept": self.min_kept}


@keras.saving.register_keras_serializable("roadseg")
class FocalCrossentropy(_PixelLoss):
    """alpha (1 - p)^gamma times the cross-entropy, p the softmax of the label's class.

    The rest as in `Crossentropy`. On labelled pixels the same as
    keras.losses.CategoricalFocalCrossentropy with from_logits=True, which takes one-hot labels.
    Source: Lin et al. 2017, eq. 5, with a softmax over the classes.
    """

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        ignore: int = 255,
        class_weights: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "focal_crossentropy",
        dtype: Any = None,
    ):
        """Keep the arguments; RoadsegError for an alpha or gamma below 0."""
        for word, value in (("alpha", alpha), ("gamma", gamma)):
            if value < 0:
                raise RoadsegError(f"{word}={value}: 0 or more wanted")
        super().__init__(ignore, class_weights, reduction, name, dtype)
        self.alpha, self.gamma = alpha, gamma

    def _of_pixels(self, losses: Tensor) -> Tensor:
        return self.alpha * focal_factor(losses, self.gamma) * losses

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this loss again."""
        return {**super().get_config(), "alpha": self.alpha, "gamma": self.gamma}


def _flat_labels(y_true: Any, logits: Any) -> Tensor:
    """Return labels (batch, height, width), int32; RoadsegError where the shapes do not fit."""
    labels = ops.cast(y_true, "int32")
    rank = len(logits.shape)
    if rank == 4 and len(labels.shape) == 4 and labels.shape[-1] == 1:
        labels = ops.squeeze(labels, -1)
    if rank != 4 or len(labels.shape) != 3:
        raise RoadsegError(
            f"labels {tuple(y_true.shape)} and logits {tuple(logits.shape)}: wanted "
            "(batch, height, width) and (batch, height, width, classes)"
        )
    return labels


def _at_size_of(labels: Tensor, logits: Tensor) -> Tensor:
    size = tuple(labels.shape[1:3])
    if None not in size and tuple(logits.shape[1:3]) == size:
        return logits
    return resize_bilinear(logits, tuple(ops.shape(labels)[1:3]), align_corners=True)
