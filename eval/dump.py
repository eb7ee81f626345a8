"""Pictures of every prediction of an evaluation: label ids, colours, overlays, differences."""

from pathlib import Path

import numpy as np

from roadseg.drawing import labels as drawing
from roadseg.drawing.pictures import to_label_ids, write_png
from roadseg.errors import RoadsegError
from roadseg.eval.frames import Frame
from roadseg.label_tables.label_table import LabelTable

FOLDERS = ("label_ids", "colour", "overlay", "difference")


def dump(folder: Path, frame: Frame, prediction: np.ndarray, table: LabelTable) -> None:
    """Write four pictures of one prediction (height, width), each <folder>/<kind>/<image name>.png.

    label_ids: the data set's own ids. colour: classes in the colours of `table`. overlay: half the
    image, half the colours. difference: the overlay where a labelled pixel is wrong, else white.
    Each is written whole or not at all; RoadsegError where the disk is full, and for a name that
    leads out of the folder.
    Source: SFSegNets ba475ba, eval.py, `--dump_images`.
    """
    if Path(frame.name).is_absolute() or ".." in Path(frame.name).parts:
        raise RoadsegError(f"image name '{frame.name}' leads out of {folder}; convert it anew")
    labels = np.where(prediction < table.num_classes, prediction, table.ignore)
    image = np.rint(frame.image).astype(np.uint8)
    overlay = drawing.blend(image, labels, table)
    labelled = np.where(frame.label < table.num_classes, frame.label, labels)
    pictures = (
        to_label_ids(labels, table),
        drawing.colourise(labels, table),
        overlay,
        drawing.difference(overlay, labelled, labels),
    )
    for kind, picture in zip(FOLDERS, pictures, strict=True):
        write_png(folder / kind / f"{frame.name}.png", picture)
