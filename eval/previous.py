"""Videos frame by frame: each is sampled by the labels that the frame before it was given."""

from functools import partial
from typing import Any

import numpy as np

from roadseg.eval.cuts import CutDetector
from roadseg.eval.protocols import Pending, Predictor
from roadseg.inference.images import picked
from roadseg.inference.inference import Prediction
from roadseg.label_tables.label_table import LabelTable


class PreviousFrames:
    """Takes the frames of a video in order; the network of a sampler sees the first of a scene.

    `frames` and `first_frames` count since `begin`.
    """

    def __init__(self, segmenter: Any) -> None:
        """Take a `SampledSegmenter` whose sampler is a `PreviousSampler`."""
        import tensorflow as tf

        self._segmenter = segmenter

        @tf.function(reduce_retracing=True, autograph=False)
        def of_first(images: Any) -> tuple[Any, Any]:
            images = tf.cast(images, tf.float32)
            grid = segmenter.grid(segmenter.views(images))
            return segmenter.labels(images, grid), segmenter.locations(images, grid)

        # Of one size a trace: the cells of a density follow from the size of the labels.
        @tf.function(autograph=False)
        def of_later(images: Any, before: Any) -> tuple[Any, Any]:
            # A network gives every pixel a class: none is to be ignored.
            grid = segmenter.sampler.grid_of_labels(before, segmenter.size, ignore=None)
            images = tf.cast(images, tf.float32)
            return segmenter.labels(images, grid), segmenter.locations(images, grid)

        self._of_first, self._of_later = of_first, of_later
        self.begin()

    def begin(self) -> None:
        """Begin another video."""
        self._cuts = CutDetector()
        self._before: np.ndarray | None = None
        self.frames = self.first_frames = 0

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return labels (height, width) and where `image` (height, width, 3) was sampled.

        The locations are (views, h, w, 2), 0..1 of the image.
        """
        self.frames += 1
        if self._cuts.is_first(image) or self._before is None:
            self.first_frames += 1
            labels, locations = self._of_first(image[None])
        else:
            labels, locations = self._of_later(image[None], self._reduced(self._before))
        self._before = labels.numpy()[0]
        return self._before, locations.numpy()[0]

    def _reduced(self, labels: np.ndarray) -> np.ndarray:
        """Return the labels of each window, (windows, h, w), at a few pixels a cell."""
        from roadseg.sampling.density_targets import thumbnail_size
        from roadseg.sampling.windows import cover, cut

        window = self._segmenter.window
        views = labels[None]
        if window is not None:
            axes = cover(labels.shape, window)
            views = np.asarray(cut(labels[None, ..., None], axes))[..., 0]
        size = views.shape[1:3]
        height, width = (min(pair) for pair in zip(size, thumbnail_size(size), strict=True))
        return picked(views, (height, width))


class PreviousInference:
    """Labels the frames of videos in their order; `begin_video` says that the next is the first."""

    def __init__(self, segmenter: Any, label_table: LabelTable, title: str) -> None:
        """Take a `SampledSegmenter` whose sampler is a `PreviousSampler`."""
        self.label_table, self.title = label_table, title
        self._previous = PreviousFrames(segmenter)

    def __call__(self, images: np.ndarray) -> Prediction:
        """Return labels and sampling points of `images` (batch, height, width, 3), in order."""
        made = [self._previous(image) for image in images]
        labels = np.stack([labels for labels, _ in made]).astype(np.int32)
        labels[labels >= self.label_table.num_classes] = self.label_table.ignore
        points = np.stack([points for _, points in made]).reshape(len(made), -1, 2)
        return Prediction(labels, locations=points)

    def begin_video(self) -> None:
        """Begin another video."""
        self._previous.begin()

    def video_note(self) -> str:
        """Return how many frames were sampled by the network, in words."""
        first, frames = self._previous.first_frames, self._previous.frames
        return (
            f"{first} of {frames} frames sampled by the network, the others by labels before them"
        )


def previous_predictor(segmenter: Any) -> Predictor:
    """Return a predictor of the frames of a video, which it has to be given in their order."""
    previous = PreviousFrames(segmenter)

    def predict(images: np.ndarray) -> list[Pending]:
        return [partial(np.asarray, previous(image)[0]) for image in images]

    return predict
