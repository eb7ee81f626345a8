"""The calls that a user makes by `roadseg.NAME` and that need more than one part of the package."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roadseg.inference.inference import Inference
    from roadseg.label_tables.label_table import LabelTable


def load(
    source: Path | str | None = None,
    step: Any = None,
    *,
    label_table: "LabelTable | str | None" = None,
    weights_folder: Path | str | None = None,
) -> "Inference":
    """Return what labels images: `roadseg.load("dabnet/cityscapes").predict_labels("street.jpg")`.

    source: a preset (`roadseg list presets`), fetched on first use; a run folder; a SavedModel that
        `roadseg export` wrote; a `.keras` file. None: the network that comes with the package.
    step: of a run: a checkpoint's, 'best', or None for the last one.
    label_table: of a `.keras` file: a `LabelTable`, or the name of one; None numbers the classes.
    weights_folder: where a preset's weights are looked for first; None: $ROADSEG_WEIGHTS.
    Raises RoadsegError for whatever `source` is not, and for options that it does not take.
    """
    from roadseg.data_conversion.raw.pictures import read_picture
    from roadseg.runs.load import load_inference

    return load_inference(source, step, label_table, weights_folder, read_picture)
