"""TensorBoard pictures of the tasks of two images: flows in colours, and both cameras labelled."""

from typing import Any

import numpy as np
import tensorflow as tf

from roadseg.drawing.flow import colourise_flow
from roadseg.drawing.labels import overlay
from roadseg.label_tables.label_table import LabelTable
from roadseg.models.two_cameras import CAMERAS
from roadseg.tasks.flow import flow_inputs

Tensor = Any
Batch = dict[str, Tensor]


def flow_pictures(training: Any, batch: Batch) -> dict[str, Tensor]:
    """Return both images of each pair, the flow that `training` (the step) finds, and the known.

    One scale of colours serves both: the known one's longest step, if there is one.
    """
    first, second, known = flow_inputs(training.recipe, batch)
    found = training.model({"first": first, "second": second}, training=False)["flow"]
    pictures = {"first": tf.cast(first, tf.uint8), "second": tf.cast(second, tf.uint8)}
    flows = {"flow": np.asarray(found)}
    if known is not None:
        flows["known_flow"] = np.asarray(known)
    longest = float(np.linalg.norm(list(flows.values())[-1], axis=-1).max()) or 1.0
    for name, flow in flows.items():
        pictures[name] = np.stack([colourise_flow(one, longest) for one in flow])
    return pictures


def view_pictures(training: Any, batch: Batch, table: LabelTable) -> dict[str, Tensor]:
    """Return the labels and the predictions of both cameras over their images."""
    images = {view: tf.cast(batch[view], tf.float32) for view in CAMERAS}
    logits = training.model(images, training=False)
    pictures: dict[str, Tensor] = {}
    for view in CAMERAS:
        predicted = tf.argmax(logits[view], -1, output_type=tf.int32)
        for name, labels in (("label", batch[f"{view}_label"]), ("prediction", predicted)):
            pairs = zip(np.asarray(batch[view]), np.asarray(labels), strict=True)
            pictures[f"{view}_{name}"] = np.stack([overlay(i, found, table) for i, found in pairs])
    return pictures
