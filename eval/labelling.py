"""What every form of a network is to predict and submit: images to labels and sampling points."""

from collections.abc import Callable

import numpy as np

from roadseg.label_tables.label_table import LabelTable

Labels = tuple[np.ndarray, np.ndarray | None]


class Labeller:
    """Images to labels and sampling points.

    table: the classes. title: what labels, in words.
    """

    def __init__(
        self, forward: Callable[[np.ndarray], Labels], table: LabelTable, title: str
    ) -> None:
        """Take the function that labels images; see `__call__`."""
        self._forward = forward
        self.table = table
        self.title = title

    def __call__(self, images: np.ndarray) -> Labels:
        """Return labels and points of `images`, uint8 (batch, height, width, 3).

        Labels are (batch, height, width) int32, the ignore value for an output that is no class;
        points (batch, points, 2), (row, column) 0..1, or None where there is no sampling.
        """
        return self._forward(images)

    def begin_video(self) -> None:
        """Take the next image as the first of a video."""

    def video_note(self) -> str:
        """Return what there is to say of the video that was labelled; '' for nothing."""
        return ""
