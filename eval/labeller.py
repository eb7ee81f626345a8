"""Labels for images of any size, from a run folder or from an exported SavedModel."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.averaging import averaged_labels, check_tile
from roadseg.eval.class_scores import ClassScores, ModelScores, SavedModelScores
from roadseg.eval.inference import InferenceMode
from roadseg.files import plain_path
from roadseg.label_tables.label_table import LabelTable
from roadseg.runs.run_folder import RunFolder, Step

Labels = tuple[np.ndarray, np.ndarray | None]


class Labeller:
    """Images to labels and sampling points.

    table: the classes. title: what labels, in words. Calling it with uint8 images (batch, height,
    width, 3) returns labels (batch, height, width) int32 and the points at which each image was
    sampled, (batch, points, 2) as (row, column) 0..1, or None where there is no sampling.
    """

    def __init__(self, forward: Callable[[Any], Any], table: LabelTable, title: str) -> None:
        """Take a function from a uint8 tensor to {"labels": ..., "locations": ... if sampled}."""
        self._forward = forward
        self.table = table
        self.title = title

    def __call__(self, images: np.ndarray) -> Labels:
        """Return labels and points of `images`; an output that is no class is ignored ground."""
        import tensorflow as tf

        outputs = self._forward(tf.constant(images))
        labels = np.asarray(outputs["labels"]).astype(np.int32)
        labels[labels >= self.table.num_classes] = self.table.ignore
        points = outputs.get("locations")
        if points is None:
            return labels, None
        return labels, points.numpy().reshape(len(labels), -1, 2)

    def begin_video(self) -> None:
        """Take the next image as the first of a video."""

    def video_note(self) -> str:
        """Return what there is to say of the video that was labelled; '' for nothing."""
        return ""


def averaging_labeller(
    scores_of: ClassScores, mode: InferenceMode, table: LabelTable, title: str
) -> Labeller:
    """Return a labeller by averaged scores; it knows no sampling points.

    Raises RoadsegError where the network does not take tiles of that size.
    """
    check_tile(mode, scores_of)
    title = f"{title}, {mode.label}"
    return Labeller(
        lambda images: {"labels": averaged_labels(images, scores_of, mode)}, table, title
    )


def labeller_of_run(
    run: RunFolder, step: Step, mode: InferenceMode | None = None, sampler: Any = None
) -> Labeller:
    """Return the labeller of one checkpoint; raise RoadsegError if the run has no such one.

    mode: tiles, scales, mirror; None for whole images. sampler: samples in place of the run's own;
    a `PreviousSampler` gives a labeller of videos.
    """
    run.check(step)

    import tensorflow as tf

    from roadseg.eval.protocols import best_class

    number, _ = run.find_checkpoint(step)
    segmenter = run.load_segmenter(number, sampler=sampler)
    title = f"{run.path.name}, step {number}"
    if sampler is not None:
        title += f", sampled by '{sampler.kind}'"
    if sampler is not None and sampler.kind == "previous":
        from roadseg.eval.previous import PreviousLabeller

        if mode is not None and not mode.is_whole:
            raise RoadsegError(f"--sampler previous: of whole frames; leave {mode.label} out")
        return PreviousLabeller(segmenter, run.label_table, title)
    if mode is not None and not mode.is_whole:
        scores_of = ModelScores(segmenter, mode.enlargement)
        return averaging_labeller(scores_of, mode, run.label_table, title)
    sampled = hasattr(segmenter, "locations")

    @tf.function(reduce_retracing=True)
    def forward(images: Any) -> dict[str, Any]:
        images = tf.cast(images, tf.float32)
        if not sampled:
            return {"labels": best_class(segmenter(images, training=False))}
        return {"labels": segmenter.labels(images), "locations": segmenter.locations(images)}

    return Labeller(forward, run.label_table, title)


def labeller_of_saved_model(folder: Path, mode: InferenceMode | None = None) -> Labeller:
    """Return the labeller of an exported model, run by TensorFlow alone.

    mode: tiles, scales, mirror, for which the export needs its signature `scores`; it takes bytes,
    so that resized images and padding are rounded to whole levels of 0..255.
    Raises RoadsegError if the folder holds no SavedModel of roadseg with its model card.
    """
    if not (folder / "saved_model.pb").is_file():
        raise RoadsegError(f"{folder}: no saved_model.pb in it; give what `roadseg export` wrote")

    import tensorflow as tf

    table, recipe = _read_card(folder)
    with plain_path(folder) as plain:
        model = tf.saved_model.load(str(plain))
    if mode is not None and not mode.is_whole:
        scores_of = SavedModelScores(folder, model, recipe, mode.enlargement)
        return averaging_labeller(scores_of, mode, table, folder.name)
    signature = model.signatures.get("serving_default")
    if signature is None:
        raise RoadsegError(f"{folder}: no signature 'serving_default'; export the run again")
    (argument,) = signature.structured_input_signature[1]

    def forward(images: Any) -> dict[str, Any]:
        outputs = signature(**{argument: images})
        if "labels" in outputs:
            return outputs
        return {"labels": next(iter(outputs.values()))}

    # `forward` keeps a reference to the model: its variables go when it goes.
    forward.model = model  # type: ignore[attr-defined]
    return Labeller(forward, table, folder.name)


def _read_card(folder: Path) -> tuple[LabelTable, dict[str, Any]]:
    """Return the classes and the recipe of an export."""
    cards = [folder / "model_card.json", folder.parent / "model_card.json"]
    card = next((path for path in cards if path.is_file()), None)
    if card is None:
        raise RoadsegError(f"{cards[0]}: no model card, so no class names; export the run again")
    try:
        values = json.loads(card.read_text(encoding="utf-8"))
        table, recipe = values["label_table"], values.get("recipe") or {}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RoadsegError(f"{card}: no label table in it; export the run again") from None
    return LabelTable.from_json(json.dumps(table)), recipe
