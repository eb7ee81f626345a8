"""Streaming confusion matrix and the scores that follow from it."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from roadseg.metrics._pairs import MOST_CLASSES, count_pairs

IGNORE = 255


class ConfusionMatrix:
    """Counts of (label, prediction) pairs over any number of images, in int64.

    Rows are labels, columns predictions. Pixels whose label is `ignore` (or any value that is not
    a class) are void: what is predicted there is counted in `on_void`, which scores leave out
    unless asked. Pixels with a class as label and none as prediction (a network may have an output
    for void) are counted in `unassigned`: they are misses of their label and false positives of
    nothing, which is what `cityscapesscripts` does with a prediction of an ignored id.
    """

    def __init__(self, num_classes: int, ignore: int = IGNORE) -> None:
        """Start at zero; raise ValueError for no class, more than 255, or an ignored class."""
        if not 1 <= num_classes <= MOST_CLASSES:
            raise ValueError(
                f"{num_classes} classes: a confusion matrix has from 1 to {MOST_CLASSES}"
            )
        if 0 <= ignore < num_classes:
            raise ValueError(f"ignore value {ignore} is one of the {num_classes} classes")
        self.num_classes = num_classes
        self.ignore = ignore
        self._counts = np.zeros((num_classes + 1, num_classes + 1), np.int64)

    @property
    def matrix(self) -> np.ndarray:
        """Counts (classes, classes): rows are labels, columns predictions."""
        return self._counts[: self.num_classes, : self.num_classes]

    @property
    def unassigned(self) -> np.ndarray:
        """Labelled pixels (classes,) whose prediction is no class."""
        return self._counts[: self.num_classes, self.num_classes]

    @property
    def on_void(self) -> np.ndarray:
        """Predictions of each class (classes,) on pixels without a label."""
        return self._counts[self.num_classes, : self.num_classes]

    def add(self, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
        """Count two integer arrays of one shape; return the counts (classes, classes + 1) added.

        Raises ValueError when the shapes differ. Faster than a compiled loop over the pixels:
        `python -m roadseg.eval.benchmark.confusion`.
        """
        added = pair_counts_with_void(labels, predictions, self.num_classes)
        self._counts += added
        return added[: self.num_classes]

    def add_counts(self, counts: np.ndarray) -> None:
        """Add counts that were made elsewhere.

        counts: (classes, classes), (classes, classes + 1) or (classes + 1, classes + 1).
        """
        counts, (rows, columns) = np.asarray(counts), np.shape(counts)
        side = self.num_classes
        if (rows, columns) not in ((side, side), (side, side + 1), (side + 1, side + 1)):
            raise ValueError(f"counts of shape {counts.shape} for {side} classes")
        self._counts[:rows, :columns] += counts.astype(np.int64)

    def metrics(self) -> "ConfusionMetrics":
        """Return the scores of what was counted so far."""
        # Copies, so that scores stay as they are while counting goes on.
        return ConfusionMetrics(self._counts[: self.num_classes].copy(), self.on_void.copy())


def pair_counts(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> np.ndarray:
    """Return int64 counts (num_classes, num_classes + 1) of (label, prediction) pairs.

    labels, predictions: integers of one shape, any size. Labels that are no class are left out;
    predictions that are no class fall into the last column.
    """
    return pair_counts_with_void(labels, predictions, num_classes)[:num_classes]


def pair_counts_with_void(
    labels: np.ndarray, predictions: np.ndarray, num_classes: int
) -> np.ndarray:
    """Return `pair_counts` with a last row for the pixels whose label is no class."""
    if labels.shape != predictions.shape:
        raise ValueError(f"labels {labels.shape} and predictions {predictions.shape} differ")
    if num_classes > MOST_CLASSES:
        raise ValueError(f"{num_classes} classes: pairs of at most {MOST_CLASSES} are counted")
    return count_pairs(_flat(labels), _flat(predictions), num_classes)


def _flat(values: np.ndarray) -> np.ndarray:
    """Return integers as one row of a type that is counted as it is: uint8, int32 or int64."""
    if values.dtype not in (np.uint8, np.int32, np.int64):
        values = values.astype(np.int64)
    # The native code reads memory as it lies: in order, and aligned.
    return np.require(values, requirements=("C", "A")).reshape(-1)


class ConfusionMetrics:
    """Scores of one confusion matrix; NaN stands for a class that occurs nowhere.

    Divisions and means are done in the order of `cityscapesscripts` (integers divided in float64,
    values added one after another), so results are equal to the last digit.
    """

    def __init__(self, counts: np.ndarray, on_void: np.ndarray | None = None) -> None:
        """Take counts (classes, classes) or (classes, classes + 1).

        on_void: predictions of each class (classes,) on pixels without a label; None: not counted.
        """
        self.num_classes = counts.shape[0]
        self._on_void = on_void
        self._rows = counts.sum(axis=1)
        self._counts = counts[:, : self.num_classes]
        self._columns = self._counts.sum(axis=0)
        self._right = np.diagonal(self._counts)

    @property
    def pixels(self) -> int:
        """Pixels with a label."""
        return int(self._rows.sum())

    def iou(self, with_void: bool = False) -> list[float]:
        """Return intersection over union for each class; NaN where the union is empty.

        with_void: predictions on pixels without a label enlarge the union, as the authors of
        ESPNet count (sacmehta/ESPNet afe71c3, IOUEval.py); ValueError if those were not counted.
        """
        unions = self._rows + self._columns - self._right
        if with_void:
            if self._on_void is None:
                raise ValueError("predictions on pixels without a label were not counted")
            unions = unions + self._on_void
        return [_ratio(right, union) for right, union in zip(self._right, unions, strict=True)]

    def miou(self, with_void: bool = False) -> float:
        """Return the mean IoU over the classes that occur; `with_void` as in `iou`."""
        return mean_of_present(self.iou(with_void))

    def miou_absent_zero(self, absent: float = 0.0) -> float:
        """Return the mean IoU over all classes, one that occurs nowhere counting `absent`.

        Source: 0 in lxtGH/Fast_Seg 7895738, val.py (tp / max(1, union), then the plain mean); 1 in
        zhouyuan888888/SGCPNet ead5adf, miou_utils.
        """
        return (
            sum(absent if math.isnan(value) else value for value in self.iou()) / self.num_classes
        )

    def mean_iou_of(self, classes: Sequence[int]) -> float:
        """Return the mean IoU over those of `classes` that occur."""
        iou = self.iou()
        return mean_of_present([iou[index] for index in classes])

    def category_iou(self, categories: Mapping[str, Sequence[int]]) -> dict[str, float]:
        """Return IoU for each category: its classes count as one, confusions within it as right.

        categories: name -> classes. Classes outside every category stay as false positives.
        """
        result = {}
        for name, members in categories.items():
            index = list(members)
            right = self._counts[np.ix_(index, index)].sum()
            union = self._rows[index].sum() + self._columns[index].sum() - right
            result[name] = _ratio(right, union)
        return result

    def pixel_accuracy(self) -> float:
        """Return the share of labelled pixels that are right."""
        return _ratio(self._right.sum(), self._rows.sum())

    def class_accuracy(self) -> list[float]:
        """Return the recall of each class; NaN where no pixel has its label."""
        return [_ratio(right, row) for right, row in zip(self._right, self._rows, strict=True)]

    def class_precision(self) -> list[float]:
        """Return the share of right pixels among those predicted as a class; NaN without any."""
        return [_ratio(right, all_) for right, all_ in zip(self._right, self._columns, strict=True)]

    def mean_class_accuracy(self) -> float:
        """Return the mean recall over the classes that occur in the labels."""
        return mean_of_present(self.class_accuracy())

    def frequency_weighted_iou(self) -> float:
        """Return the mean IoU weighted by the number of labelled pixels of each class."""
        if not self.pixels:
            return math.nan
        pairs = zip(self._rows, self.iou(), strict=True)
        # A class without pixels may have NaN for its IoU, and 0 times NaN is NaN.
        return sum(int(row) * iou for row, iou in pairs if row) / self.pixels


def mean_of_present(values: Sequence[float]) -> float:
    """Return the mean of the values that are not NaN, added in order; NaN if there is none."""
    present = [value for value in values if not math.isnan(value)]
    return sum(present) / len(present) if present else math.nan


def _ratio(part: int, whole: int) -> float:
    return float(part) / int(whole) if whole else math.nan
