"""Labels for images of any size, from a run folder or from an exported SavedModel."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.datasets.label_table import LabelTable
from roadseg.errors import RoadsegError
from roadseg.run_folder import RunFolder, Step

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
        """Return labels and points of `images`."""
        import tensorflow as tf

        outputs = self._forward(tf.constant(images))
        labels = outputs["labels"].numpy().astype(np.int32)
        points = outputs.get("locations")
        if points is None:
            return labels, None
        return labels, points.numpy().reshape(len(labels), -1, 2)


def labeller_of_run(run: RunFolder, step: Step) -> Labeller:
    """Return the labeller of one checkpoint; raise RoadsegError if the run has no such one."""
    import tensorflow as tf

    from roadseg.eval.protocols import best_class

    if not run.exists:
        raise RoadsegError(f"{run.path}: no run here; give the folder that `roadseg train` made")
    number, _ = run.find_checkpoint(step)
    segmenter = run.load_segmenter(number)
    sampled = hasattr(segmenter, "locations")

    @tf.function(reduce_retracing=True)
    def forward(images: Any) -> dict[str, Any]:
        images = tf.cast(images, tf.float32)
        if not sampled:
            return {"labels": best_class(segmenter(images, training=False))}
        return {"labels": segmenter.labels(images), "locations": segmenter.locations(images)}

    return Labeller(forward, run.label_table, f"{run.path.name}, step {number}")


def labeller_of_saved_model(folder: Path) -> Labeller:
    """Return the labeller of an exported model, run by TensorFlow alone.

    Raises RoadsegError if the folder holds no SavedModel of roadseg with its model card.
    """
    import tensorflow as tf

    if not (folder / "saved_model.pb").is_file():
        raise RoadsegError(f"{folder}: no saved_model.pb in it; give what `roadseg export` wrote")
    table = _table_of_card(folder)
    model = tf.saved_model.load(str(folder))
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


def _table_of_card(folder: Path) -> LabelTable:
    cards = [folder / "model_card.json", folder.parent / "model_card.json"]
    card = next((path for path in cards if path.is_file()), None)
    if card is None:
        raise RoadsegError(f"{cards[0]}: no model card, so no class names; export the run again")
    try:
        table = json.loads(card.read_text(encoding="utf-8"))["label_table"]
    except (ValueError, KeyError, TypeError):
        raise RoadsegError(f"{card}: no label table in it; export the run again") from None
    return LabelTable.from_json(json.dumps(table))
