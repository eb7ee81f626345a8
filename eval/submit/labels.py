"""Train ids of one image as a submission needs them: as everywhere, or as SGCPNet's authors do."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.inference.images import Size, resize_image
from roadseg.recipe.protocol import PROTOCOLS, Protocol
from roadseg.runs.run_folder import RunFolder, Step

Predict = Callable[[np.ndarray], np.ndarray]
"""Takes an image (height, width, 3) uint8 and returns its train ids, integers (height, width)."""


def full_size_labels(run: RunFolder, step: Step, protocol: Protocol) -> Predict:
    """Return how a run labels images at their own size, shown by any protocol."""
    from roadseg.runs.load import inference_of_run

    return inference_of_run(run, step, protocol=protocol).predict_labels


def resized_first(
    run: RunFolder, step: Step, changes: Mapping[str, Any], input_size: Size, full_size: Size
) -> Predict:
    """Return how SGCPNet's authors label for the server.

    Images are resized to `input_size` bicubically (as bytes, antialiased), the network's own map
    straight to `full_size`, bicubically unless `changes` of its protocol say otherwise; then the
    best class.
    Raises RoadsegError for changes that show images in other ways, and for a network without such
    a map.
    Source: zhouyuan888888/SGCPNet ead5adf; sizes 1024x2048, or 768x1536 for speed.
    """
    protocol = PROTOCOLS["sgcpnet"].replace(changes)
    if not protocol.shows_once:
        raise RoadsegError(
            f"{protocol.shown}: --format sgcpnet shows whole images once; leave --tile, --scales, "
            "--input-scale and --flip out"
        )
    from roadseg.inference.class_logits import ModelLogits
    from roadseg.ops.best_class import best_class

    number, _ = run.find_checkpoint(step)
    table = run.label_table
    logits_of = ModelLogits(run.load_segmenter(number), protocol.upsampling)

    def labels(image: np.ndarray) -> np.ndarray:
        shown = resize_image(image, input_size, "bicubic").astype(np.float32)
        found = np.asarray(best_class(logits_of(shown[None], full_size)))[0]
        return np.where(found < table.num_classes, found, table.ignore)

    return labels
