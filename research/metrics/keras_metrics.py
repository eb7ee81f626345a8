"""Mean IoU as a class for `model.compile`, equal to what `roadseg eval` gives."""

from typing import Any, Literal

import keras
from keras import ops

from roadseg.errors import RoadsegError
from roadseg.metrics.confusion_graph import confusion_counts
from roadseg.ops.best_class import best_class
from roadseg.ops.precision import counting_types

Tensor = Any
MOST_CLASSES = 255


@keras.saving.register_keras_serializable("roadseg")
class MeanIoU(keras.metrics.Metric):
    """Mean intersection over union of everything seen since the last reset, 0..1.

    num_classes: train ids are 0 to num_classes - 1; other labels are left out, as `ignore` is.
        Predictions that are no class (an output for void) are misses of their label.
    absent: classes that neither labels nor predictions hold are left out of the mean ('skip', as
        Cityscapes' scripts), or count 0 ('zero', Fast_Seg) or 1 ('one', SGCPNet).
    Equal, to the last digit, to `miou`, `miou_absent_zero` and `miou_absent_one` of an evaluation
    of the same pixels; NaN, as there, where nothing was seen and absent classes are left out.
    On TensorFlow counts are int64 and the mean float64; JAX has 32 bits by default: at most
    2^31 pixels, and a mean in float32.
    """

    def __init__(
        self,
        num_classes: int,
        ignore: int = 255,
        absent: Literal["skip", "zero", "one"] = "skip",
        name: str | None = "mean_iou",
        dtype: Any = None,
    ):
        """Start at zero; RoadsegError for an argument that means nothing."""
        if isinstance(num_classes, bool) or not isinstance(num_classes, int):
            raise RoadsegError(f"num_classes={num_classes!r}: a whole number wanted")
        if not 1 <= num_classes <= MOST_CLASSES:
            raise RoadsegError(f"num_classes={num_classes}: from 1 to {MOST_CLASSES} wanted")
        if 0 <= ignore < num_classes:
            raise RoadsegError(f"ignore={ignore}: one of the {num_classes} classes; give another")
        if absent not in ("skip", "zero", "one"):
            raise RoadsegError(f"absent={absent!r}: there are skip, zero, one")
        super().__init__(name=name, dtype=dtype)
        self.num_classes, self.ignore, self.absent = num_classes, ignore, absent
        integers, self._floats = counting_types()
        shape = (num_classes, num_classes + 1)
        self.counts = self.add_variable(shape, "zeros", integers, name="counts")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch.

        y_true: (batch, height, width) integers; a last axis of 1 may follow.
        y_pred: logits (batch, height, width, classes), or train ids of the shape of `y_true`.
        Raises RoadsegError for shapes that do not fit, and for weights, which pixels do not have.
        """
        if sample_weight is not None:
            raise RoadsegError("MeanIoU counts pixels; list it in metrics, not in weighted_metrics")
        labels = _without_last(ops.convert_to_tensor(y_true))
        found = ops.convert_to_tensor(y_pred)
        if len(found.shape) == 4 and found.shape[-1] != 1:
            found = best_class(found)
        found = _without_last(found)
        sizes = zip(labels.shape, found.shape, strict=False)
        if len(labels.shape) != len(found.shape) or any(
            None not in (a, b) and a != b for a, b in sizes
        ):
            raise RoadsegError(
                f"labels {tuple(y_true.shape)} and predictions {tuple(y_pred.shape)}: wanted "
                "(batch, height, width), and logits with a last axis of classes or train ids"
            )
        added = confusion_counts(labels, found, self.num_classes)
        self.counts.assign_add(ops.cast(added, self.counts.dtype))

    def result(self) -> Tensor:
        """Return the mean IoU of what was counted, a scalar."""
        counts = ops.convert_to_tensor(self.counts)
        square = counts[:, : self.num_classes]
        right = ops.diagonal(square)
        union = ops.sum(counts, axis=1) + ops.sum(square, axis=0) - right
        present = union > 0
        iou = ops.cast(right, self._floats) / ops.cast(ops.maximum(union, 1), self._floats)
        if self.absent == "one":
            iou = ops.where(present, iou, ops.ones_like(iou))
        # One after another, as the evaluation does: another order can differ in the last digit.
        total = iou[0]
        for index in range(1, self.num_classes):
            total = total + iou[index]
        if self.absent != "skip":
            return total / self.num_classes
        return total / ops.cast(ops.sum(ops.cast(present, "int32")), self._floats)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        own = {"num_classes": self.num_classes, "ignore": self.ignore, "absent": self.absent}
        return {**super().get_config(), **own}


def _without_last(values: Tensor) -> Tensor:
    """Return (batch, height, width) of an array that may have a last axis of 1 behind."""
    return ops.squeeze(values, -1) if len(values.shape) == 4 and values.shape[-1] == 1 else values
