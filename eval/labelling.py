"""What every form of a network is to predict and submit: images to labels and sampling points."""

from collections.abc import Callable
from typing import Any

import numpy as np

from roadseg.label_tables.label_table import LabelTable

Labels = tuple[np.ndarray, np.ndarray | None]


class Labeller:
    """Images to labels and sampling points.

    table: the classes. title: what labels, in words. Calling it with uint8 images (batch, height,
    width, 3) returns labels (batch, height, width) int32 and the points at which each image was
    sampled, (batch, points, 2) as (row, column) 0..1, or None where there is no sampling.
    """

    def __init__(self, forward: Callable[[Any], Any], table: LabelTable, title: str) -> None:
        """Take a function from images to {"labels": ..., "locations": ... if sampled}."""
        self._forward = forward
        self.table = table
        self.title = title

    def __call__(self, images: np.ndarray) -> Labels:
        """Return labels and points of `images`; an output that is no class is ignored ground."""
        outputs = self._forward(images)
        labels = np.asarray(outputs["labels"]).astype(np.int32)
        labels[labels >= self.table.num_classes] = self.table.ignore
        points = outputs.get("locations")
        if points is None:
            return labels, None
        return labels, np.asarray(points).reshape(len(labels), -1, 2)

    def begin_video(self) -> None:
        """Take the next image as the first of a video."""

    def video_note(self) -> str:
        """Return what there is to say of the video that was labelled; '' for nothing."""
        return ""
