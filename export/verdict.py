"""What an export is worth: its labels against Keras's, and both against the right ones."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.export.calibration import at_size
from roadseg.export.interface import LABELS_OF_RGB, Interface, labels_in
from roadseg.inference.images import picked
from roadseg.label_tables.label_table import LabelTable

if TYPE_CHECKING:
    import keras

    from roadseg.data_conversion.read.records import RecordSet

Size = tuple[int, int]
Run = Callable[[np.ndarray], dict[str, np.ndarray]]
# Pixels from a boundary within which the second score counts.
BAND_PX = 3
ALLOWED_POINTS = 1.0
# Without right labels: of the pixels, since no score can be lost.
ALLOWED_OTHER = 5.0


class Keras:
    """The labels that a Keras model gives, and how sure it is of them."""

    def __init__(
        self, model: "keras.Model", size: Size | None, interface: Interface = LABELS_OF_RGB
    ) -> None:
        """Take images of `size`, or of any, one at a time, as `interface` has them."""
        from roadseg.export.converters import labels_function

        self.size, self.interface = size, interface
        self._model = model
        self._labels = labels_function(model, size, Interface(input_format=interface.input_format))

    def shown(self, image: np.ndarray) -> np.ndarray:
        """Return a uint8 image (height, width, 3) as the model takes it, without the batch."""
        size = self.size or self.interface.legal(image.shape[:2])
        return self.interface.frames(at_size(image, size)[None])[0]

    def labels(self, frame: np.ndarray) -> np.ndarray:
        """Return int32 (height, width) of what `shown` gave."""
        return np.asarray(self._labels(frame[None])["labels"])[0]

    def logits(self) -> Callable[[np.ndarray], np.ndarray]:
        """Return what makes class logits (height, width, classes) of what `shown` gave."""
        import tensorflow as tf

        from roadseg.export.saved_model import class_logits

        @tf.function(
            input_signature=[tf.TensorSpec(self.interface.shape(self.size), tf.uint8)],
            autograph=False,
        )
        def logits(frames: Any) -> Any:
            return class_logits(self._model, self.interface.rgb(frames))

        return lambda frame: np.asarray(logits(frame[None]))[0]


def compare_with_labels(
    keras_side: Keras,
    run: Run,
    frames: Iterable[tuple[np.ndarray, np.ndarray]],
    table: LabelTable,
) -> dict[str, Any]:
    """Return the scores of a Keras model and of `run`, an export of it, from image to labels.

    frames: image (height, width, 3) uint8 and train ids (height, width) each. Images are brought to
        what the export takes, and labels back by picking the nearest pixel.
    Returns `miou` and `boundary_accuracy` (within BAND_PX) of 'keras' and 'file' in percent, what
    the file has `lost` in points, the share of `labels_equal` in percent, and `images`.
    """
    from roadseg.metrics.boundary import BoundaryBands
    from roadseg.metrics.confusion import ConfusionMatrix

    names = ("keras", "file")
    matrices = {name: ConfusionMatrix(table.num_classes, table.ignore) for name in names}
    bands = {name: BoundaryBands(table.num_classes, (BAND_PX,)) for name in names}
    equal, images = 0.0, 0
    for image, label in frames:
        shown = keras_side.shown(image)
        found = {"keras": keras_side.labels(shown), "file": labels_in(run(shown[None]))[0]}
        equal += float(np.mean(found["keras"] == found["file"]))
        # They depend on the label alone, so both sides share them.
        rings = bands["keras"].rings(label)
        for name, labels in found.items():
            back = picked(labels[None], label.shape)[0]
            matrices[name].add(label, back)
            bands[name].counts += bands[name].count(label, back, rings)
        images += 1
    scores = {
        name: {
            "miou": 100 * matrices[name].metrics().miou(),
            "boundary_accuracy": 100 * bands[name].metrics()[0].accuracy,
        }
        for name in names
    }
    lost = {key: scores["keras"][key] - scores["file"][key] for key in scores["keras"]}
    return {**scores, "lost": lost, "labels_equal": 100 * equal / images, "images": images}


def compare_alone(keras_side: Keras, run: Run, images: Sequence[np.ndarray]) -> dict[str, Any]:
    """Return how far `run` labels `images` as Keras does, where no right labels are known.

    Returns the share of `labels_equal` in percent, the `largest_logit_difference`: by how much
    Keras prefers its own class to the file's where these differ, at most; and `images`.
    """
    logits = keras_side.logits()
    equal, largest = [], 0.0
    for image in images:
        shown = keras_side.shown(image)
        own, found = keras_side.labels(shown), labels_in(run(shown[None]))[0]
        other = own != found
        equal.append(float(np.mean(~other)))
        if other.any():
            at = logits(shown)[other]
            rows = np.arange(len(at))
            largest = max(largest, float((at[rows, own[other]] - at[rows, found[other]]).max()))
    return {
        "labels_equal": 100 * float(np.mean(equal)),
        "largest_logit_difference": largest,
        "images": len(equal),
    }


def open_evaluation(path: Path, split: str, table: LabelTable) -> "RecordSet":
    """Return the records to judge by; RoadsegError where they are of other classes."""
    from roadseg.data_conversion.read.records import open_records

    records = open_records(path, split)
    theirs = records.label_table
    if theirs.names != table.names or theirs.ignore != table.ignore:
        raise RoadsegError(
            f"{records.path}: labels of '{theirs.name}', and the network has the classes of "
            f"'{table.name}'; give records of these with --records, or leave it out"
        )
    return records


def frames_of(records: "RecordSet", limit: int | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield image and label of the first `limit` examples, or of all."""
    for number, example in enumerate(records.examples()):
        if number == limit:
            return
        yield example["image"], example["label"]


def judge(found: dict[str, Any], target: Path, allowed: float | None) -> None:
    """Raise RoadsegError where an export lost more than `allowed` points; None: the usual ones.

    target: where it was to go, for messages.
    """
    if "lost" in found:
        bound = ALLOWED_POINTS if allowed is None else allowed
        name, lost = max(found["lost"].items(), key=lambda item: item[1])
        what = {"miou": "mIoU", "boundary_accuracy": "accuracy at boundaries"}[name]
        # Not `>`: NaN is refused as well.
        if not lost <= bound:
            raise RoadsegError(
                f"{target}: not exported: {lost:.2f} points of {what} lost on "
                f"{found['images']} images (allowed: {bound:g}); give more or other images with "
                "--calibration, another --precision, or --allow-loss"
            )
        return
    bound = ALLOWED_OTHER if allowed is None else allowed
    other = 100 - found["labels_equal"]
    if not other <= bound:
        raise RoadsegError(
            f"{target}: not exported: {other:.2f} % of the labels are other than the Keras "
            f"model's on {found['images']} images (allowed: {bound:g}); give more or other images "
            "with --calibration, another --precision, or --allow-loss"
        )


def in_words(found: dict[str, Any]) -> str:
    """Return a verdict in one line."""
    equal = f"{found['labels_equal']:.2f} % of labels equal"
    if "lost" not in found:
        return (
            f"{equal} on {found['images']} images; largest difference of logits "
            f"{found['largest_logit_difference']:.3g}"
        )
    near = f"accuracy within {BAND_PX} px of boundaries"
    parts = [
        f"{what} {found['keras'][key]:.2f} (Keras), {found['file'][key]:.2f} (file)"
        for key, what in (("miou", "mIoU"), ("boundary_accuracy", near))
    ]
    return f"{found['images']} images: {', '.join(parts)}; {equal}"
