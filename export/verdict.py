"""What an export is worth: its labels against Keras's, and both against the right ones."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.export.calibration import at_size
from roadseg.export.interface import LABELS_OF_RGB, Interface, labels_in
from roadseg.export.traced import arrays
from roadseg.export.views import Views, batched, each, parts, prefixed
from roadseg.inference.images import picked
from roadseg.label_tables.label_table import LabelTable

if TYPE_CHECKING:
    import keras

    from roadseg.data_conversion.read.records import RecordSet

Size = tuple[int, int]
Run = Callable[[Views], dict[str, np.ndarray]]
# Pixels from a boundary within which the second score counts.
BAND_PX = 3
ALLOWED_POINTS = 1.0
# Without right labels: of the pixels, since no score can be lost.
ALLOWED_OTHER = 5.0


class Keras:
    """The labels that a Keras model gives, and how sure it is of them.

    Of several cameras images, labels and logits are those of each, by the cameras' names.
    """

    def __init__(
        self,
        model: "keras.Model",
        size: Size | None,
        interface: Interface = LABELS_OF_RGB,
        shown_at: Size | None = None,
    ) -> None:
        """Take images of `size`, or of any, one at a time, as `interface` has them.

        shown_at: size of the images that are shown to it where it takes any; None for their own.
        """
        from roadseg.export.converters import labels_function

        self.size, self.interface = size, interface
        self._shown_at = size or shown_at
        self._model = model
        self._labels = labels_function(model, size, replace(interface, outputs=("labels",)))

    def shown(self, image: Views) -> Views:
        """Return a uint8 image (height, width, 3) as the model takes it, without the batch."""

        def shown(picture: np.ndarray) -> np.ndarray:
            size = self._shown_at or self.interface.legal(picture.shape[:2])
            return np.asarray(self.interface.frames(at_size(picture, size)[None])[0])

        return each(shown, image)

    def labels(self, frame: Views) -> Views:
        """Return int32 (height, width) of what `shown` gave."""
        return self.labels_by(lambda frames: arrays(self._labels, frames), frame)

    def labels_by(self, run: Run, frame: Views) -> Views:
        """Return the same by a file of the model that `run` runs."""
        found = labels_in(run(batched(frame)), self.interface.views)
        return each(lambda labels: labels[0], found)

    def logits(self) -> Callable[[Views], Views]:
        """Return what makes class logits (height, width, classes) of what `shown` gave."""
        asked = replace(self.interface, outputs=("logits",))
        from roadseg.export.converters import labels_function

        made = labels_function(self._model, self.size, asked)

        def logits(frame: Views) -> Views:
            found = arrays(made, batched(frame))
            names = asked.views_of([prefixed(view, "logits") for view in asked.views or ("",)])
            return each(lambda name: found[name][0], names)

        return logits


class _Scores:
    """Labels of a Keras model and of a file of it, of one camera, against the right ones."""

    def __init__(self, table: LabelTable) -> None:
        from roadseg.metrics.boundary import BoundaryBands
        from roadseg.metrics.confusion import ConfusionMatrix

        sides = ("keras", "file")
        self.matrices = {side: ConfusionMatrix(table.num_classes, table.ignore) for side in sides}
        self.bands = {side: BoundaryBands(table.num_classes, (BAND_PX,)) for side in sides}
        self.equal: list[float] = []

    def add(self, right: np.ndarray, keras_labels: np.ndarray, file_labels: np.ndarray) -> None:
        """Count the labels of an image; right: train ids, of a size of their own."""
        self.equal.append(float(np.mean(keras_labels == file_labels)))
        # They depend on the label alone, so both sides share them.
        rings = self.bands["keras"].rings(right)
        for side, labels in (("keras", keras_labels), ("file", file_labels)):
            back = picked(labels[None], right.shape)[0]
            self.matrices[side].add(right, back)
            self.bands[side].counts += self.bands[side].count(right, back, rings)

    def values(self) -> dict[str, Any]:
        scores = {
            side: {
                "miou": 100 * matrix.metrics().miou(),
                "boundary_accuracy": 100 * self.bands[side].metrics()[0].accuracy,
            }
            for side, matrix in self.matrices.items()
        }
        lost = {key: scores["keras"][key] - scores["file"][key] for key in scores["keras"]}
        equal, images = 100 * float(np.mean(self.equal)), len(self.equal)
        return {**scores, "lost": lost, "labels_equal": equal, "images": images}


def compare_with_labels(
    keras_side: Keras,
    run: Run,
    frames: Iterable[tuple[Views, Views]],
    table: LabelTable,
) -> dict[str, Any]:
    """Return the scores of a Keras model and of `run`, an export of it, from image to labels.

    frames: image (height, width, 3) uint8 and train ids (height, width) each. Images are brought to
        what the export takes, and labels back by picking the nearest pixel.
    Returns `miou` and `boundary_accuracy` (within BAND_PX) of 'keras' and 'file' in percent, what
    the file has `lost` in points, the share of `labels_equal` in percent, and `images`; of several
    cameras all of that for each, by name, under `views`.
    """
    scores: dict[str, _Scores] = defaultdict(lambda: _Scores(table))
    for image, label in frames:
        shown = keras_side.shown(image)
        found = (keras_side.labels(shown), keras_side.labels_by(run, shown))
        for view, labels in parts(each(lambda *labels: labels, label, *found)):
            scores[view].add(*labels)
    return _of_views({view: one.values() for view, one in scores.items()})


def compare_alone(keras_side: Keras, run: Run, images: Sequence[Views]) -> dict[str, Any]:
    """Return how far `run` labels `images` as Keras does, where no right labels are known.

    Returns the share of `labels_equal` in percent, the `largest_logit_difference`: by how much
    Keras prefers its own class to the file's where these differ, at most; and `images`; of several
    cameras all of that for each, by name, under `views`.
    """
    logits = keras_side.logits()
    equal: dict[str, list[float]] = defaultdict(list)
    largest: dict[str, float] = defaultdict(float)
    for image in images:
        shown = keras_side.shown(image)
        found = keras_side.labels(shown), keras_side.labels_by(run, shown)
        for view, (own, others) in parts(each(lambda *labels: labels, *found)):
            other = own != others
            equal[view].append(float(np.mean(~other)))
            largest[view] = max(largest[view], 0.0)
            if other.any():
                at = dict(parts(logits(shown)))[view][other]
                rows = np.arange(len(at))
                away = (at[rows, own[other]] - at[rows, others[other]]).max()
                largest[view] = max(largest[view], float(away))
    return _of_views(
        {
            view: {
                "labels_equal": 100 * float(np.mean(shares)),
                "largest_logit_difference": largest[view],
                "images": len(shares),
            }
            for view, shares in equal.items()
        }
    )


def _of_views(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what was found of one image, or, under `views`, of each camera."""
    return found[""] if "" in found else {"views": found}


def open_evaluation(
    path: Path, split: str, table: LabelTable, views: Sequence[str] = ()
) -> "RecordSet":
    """Return the records to judge by, of pairs if there are two `views`.

    Raises RoadsegError where they are of other classes, or of single images in place of pairs.
    """
    from roadseg.data_conversion.read.records import open_records
    from roadseg.data_conversion.read.two_cameras import open_two_cameras

    records = (open_two_cameras if views else open_records)(path, split)
    theirs = records.label_table
    if theirs.names != table.names or theirs.ignore != table.ignore:
        raise RoadsegError(
            f"{records.path}: labels of '{theirs.name}', and the network has the classes of "
            f"'{table.name}'; give records of these with --records, or leave it out"
        )
    return records


def frames_of(
    records: "RecordSet", limit: int | None, views: Sequence[str] = ()
) -> Iterator[tuple[Views, Views]]:
    """Yield image and label of the first `limit` examples, or of all; of pairs by `views`."""
    for number, example in enumerate(records.examples()):
        if number == limit:
            return
        if not views:
            yield example["image"], example["label"]
            continue
        prefixes = dict(zip(views, ("", "second_"), strict=True))
        image, label = (
            {view: example[f"{prefix}{key}"] for view, prefix in prefixes.items()}
            for key in ("image", "label")
        )
        yield image, label


def judge(found: dict[str, Any], target: Path, allowed: float | None) -> None:
    """Raise RoadsegError where an export lost more than `allowed` points; None: the usual ones.

    target: where it was to go, for messages. Each camera is judged by itself.
    """
    for view, one in found["views"].items() if "views" in found else [("", found)]:
        _judge(one, target, allowed, f" of the {view} view" if view else "")


def _judge(found: dict[str, Any], target: Path, allowed: float | None, of_view: str) -> None:
    if "lost" in found:
        bound = ALLOWED_POINTS if allowed is None else allowed
        name, lost = max(found["lost"].items(), key=lambda item: item[1])
        what = {"miou": "mIoU", "boundary_accuracy": "accuracy at boundaries"}[name]
        # Not `>`: NaN is refused as well.
        if not lost <= bound:
            raise RoadsegError(
                f"{target}: not exported: {lost:.2f} points of {what}{of_view} lost on "
                f"{found['images']} images (allowed: {bound:g}); give more or other images with "
                "--calibration, another --precision, or --allow-loss"
            )
        return
    bound = ALLOWED_OTHER if allowed is None else allowed
    other = 100 - found["labels_equal"]
    if not other <= bound:
        raise RoadsegError(
            f"{target}: not exported: {other:.2f} % of the labels{of_view} are other than the "
            f"Keras model's on {found['images']} images (allowed: {bound:g}); give more or other "
            "images with --calibration, another --precision, or --allow-loss"
        )


def in_words(found: dict[str, Any]) -> str:
    """Return a verdict in one line."""
    if "views" in found:
        return "; ".join(f"{view} view: {in_words(one)}" for view, one in found["views"].items())
    equal = f"{found['labels_equal']:.2f} % of labels equal"
    if "lost" not in found:
        return (
            f"{equal} on {found['images']} images; largest difference of logits "
            f"{found['largest_logit_difference']:.3g}"
        )
    near = f"accuracy within {BAND_PX} px of boundaries"
    scores = [
        f"{what} {found['keras'][key]:.2f} (Keras), {found['file'][key]:.2f} (file)"
        for key, what in (("miou", "mIoU"), ("boundary_accuracy", near))
    ]
    return f"{found['images']} images: {', '.join(scores)}; {equal}"
