"""Predictions as SFSegNets' demo writes them, always as PNG."""

import io
from pathlib import Path

import numpy as np

from roadseg.drawing import labels as drawing
from roadseg.drawing.pictures import write_bytes, write_png
from roadseg.label_tables.label_table import LabelTable


def write_demo(target: Path, image: np.ndarray, labels: np.ndarray, table: LabelTable) -> None:
    """Write color_mask_<name>.png and overlap_<name>.png into the folder of `target`, its name.

    image: (height, width, 3) uint8. labels: train ids (height, width). The mask is a palette image,
    whose values are the train ids; the other one is half the image, half the colours.
    Source: SFSegNets ba475ba, demo_floder.py, which keeps the ending of the image and so fails to
    write masks of JPEGs.
    """
    from PIL import Image

    mask = Image.fromarray(labels.astype(np.uint8))
    mask.putpalette(drawing.palette(table).ravel().tolist())
    stream = io.BytesIO()
    mask.save(stream, "PNG")
    write_bytes(target.with_name(f"color_mask_{target.name}.png"), stream.getvalue())
    blended = drawing.blend(image, labels, table)
    write_png(target.with_name(f"overlap_{target.name}.png"), blended)
