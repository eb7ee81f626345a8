"""Labels for images of any size, from a run folder or from an exported SavedModel."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.averaging import averaged_scores, check_tile
from roadseg.eval.class_scores import ClassScores, ModelScores, SavedModelScores
from roadseg.eval.inference import InferenceMode
from roadseg.eval.labelling import Labeller, Labels
from roadseg.runs.run_folder import RunFolder, Step

if TYPE_CHECKING:
    from roadseg.inference.inference import Inference


def labeller_of(inference: "Inference", mode: InferenceMode | None = None) -> Labeller:
    """Return the labeller that `inference` is; mode: tiles, scales, mirror, None for whole images.

    Averaged, it knows no sampling points; an export needs its signature `scores` then, and takes
    bytes, so that resized images and padding are rounded to whole levels of 0..255.
    Raises RoadsegError where the network does not take tiles of that size.
    """
    if mode is not None and not mode.is_whole:
        inference = averaging(inference, mode)

    def forward(images: np.ndarray) -> Labels:
        found = inference(images)
        return found.labels, found.locations

    return Labeller(forward, inference.label_table, inference.title)


def averaging(inference: "Inference", mode: InferenceMode) -> "Inference":
    """Return `inference` with logits averaged as `mode` asks; RoadsegError as `labeller_of`."""
    from roadseg.inference.saved_model import SavedModel

    model = inference.model
    scores_of: ClassScores
    if isinstance(model, SavedModel):
        scores_of = SavedModelScores(model.folder, model.loaded, model.recipe, mode.enlargement)
    else:
        scores_of = ModelScores(model, mode.enlargement)
    check_tile(mode, scores_of)
    return inference.averaging(lambda image: averaged_scores(image, scores_of, mode), mode.label)


def labeller_of_run(
    run: RunFolder, step: Step, mode: InferenceMode | None = None, sampler: Any = None
) -> Labeller:
    """Return the labeller of one checkpoint; raise RoadsegError if the run has no such one.

    mode: tiles, scales, mirror; None for whole images. sampler: samples in place of the run's own;
    a `PreviousSampler` gives a labeller of videos.
    """
    from roadseg.runs.load import inference_of_run

    inference = inference_of_run(run, step, sampler)
    if sampler is not None:
        inference.title += f", sampled by '{sampler.kind}'"
    if sampler is not None and sampler.kind == "previous":
        from roadseg.eval.previous import PreviousLabeller

        if mode is not None and not mode.is_whole:
            raise RoadsegError(f"--sampler previous: of whole frames; leave {mode.label} out")
        return PreviousLabeller(inference.model, run.label_table, inference.title)
    return labeller_of(inference, mode)


def labeller_of_saved_model(folder: Path, mode: InferenceMode | None = None) -> Labeller:
    """Return the labeller of an exported model, run by TensorFlow alone; see `labeller_of`.

    Raises RoadsegError if the folder holds no SavedModel of roadseg with its model card.
    """
    from roadseg.inference.saved_model import inference_of_saved_model

    return labeller_of(inference_of_saved_model(folder), mode)


def labeller_of_model(
    model: str | None,
    step: Step = None,
    mode: InferenceMode | None = None,
    mirror: Path | None = None,
) -> Labeller:
    """Return the labeller of published weights or a file, see `load_inference` and `labeller_of`.

    model: None for the network that comes with the package. mirror: folder of weights that is
    looked at first. Raises RoadsegError for options that contradict it.
    """
    from roadseg.runs.load import load_inference

    inference = load_inference(model, step, mirror=mirror)
    protocol = inference.protocol
    if mode is not None and mode.size != 1 and protocol.height is not None:
        raise RoadsegError(
            f"--size {mode.size:g}: {inference.title} is shown images at a height of "
            f"{protocol.height}, as its score was counted; leave --size out"
        )
    return labeller_of(inference, mode)
