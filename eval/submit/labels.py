"""Train ids of one image as a submission needs them: as everywhere, or as SGCPNet's authors do."""

from collections.abc import Callable

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.class_scores import ModelScores
from roadseg.eval.inference import InferenceMode, Size
from roadseg.eval.labeller import labeller_of_run
from roadseg.eval.resizing import resize_image
from roadseg.runs.run_folder import RunFolder, Step

Predict = Callable[[np.ndarray], np.ndarray]
"""Takes an image (height, width, 3) uint8 and returns its train ids, integers (height, width)."""


def full_size_labels(run: RunFolder, step: Step, mode: InferenceMode) -> Predict:
    """Return how a run labels images at their own size, in any mode."""
    labeller = labeller_of_run(run, step, mode)
    return lambda image: labeller(image[None])[0][0]


def resized_first(
    run: RunFolder, step: Step, mode: InferenceMode, input_size: Size, full_size: Size
) -> Predict:
    """Return how SGCPNet's authors label for the server.

    Images are resized to `input_size` bicubically (as bytes, antialiased), the network's own map
    straight to `full_size`, bicubically unless `mode` says bilinearly; then the best class.
    Raises RoadsegError for a mode that shows images in other ways, and for a network without such
    a map.
    Source: zhouyuan888888/SGCPNet ead5adf; sizes 1024x2048, or 768x1536 for speed.
    """
    if not mode.shows_once:
        raise RoadsegError(
            f"{mode.label}: --form sgcpnet shows whole images once; leave --sliding, --scales, "
            "--size and --mirror out"
        )
    from roadseg.ops.best_class import best_class

    number, _ = run.find_checkpoint(step)
    table = run.label_table
    scores_of = ModelScores(run.load_segmenter(number), mode.enlargement or "cubic")

    def labels(image: np.ndarray) -> np.ndarray:
        shown = resize_image(image, input_size, "bicubic").astype(np.float32)
        found = np.asarray(best_class(scores_of(shown[None], full_size)))[0]
        return np.where(found < table.num_classes, found, table.ignore)

    return labels
