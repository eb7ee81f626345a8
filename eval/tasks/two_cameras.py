"""Evaluations of two cameras: the labels of both cameras."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.eval.cores import in_turns
from roadseg.eval.job import Job, Progress
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.eval.results.two_cameras import TwoCameraResult
from roadseg.eval.scoring import SegmentationScorer
from roadseg.eval.tasks.evaluator import Evaluate, Evaluator
from roadseg.files import Arrays
from roadseg.inference.images import resize_image, resize_labels

if TYPE_CHECKING:
    import keras

CAMERAS = {"wide": "", "narrow": "second_"}
"""Names of the views, and how their keys begin in a record."""


class TwoCameras(Evaluator):
    """Labels of both cameras' views."""

    def load(self, job: Job, step: int) -> Evaluate:
        """Return what labels and logits both cameras of `job`; see `Evaluator.load`."""
        return partial(_evaluate, job, step, job.run.load_network(step))


def _evaluate(
    job: Job, step: int, network: "keras.Model", progress: Progress | None
) -> TwoCameraResult:
    """Return the logits of `network` on both cameras of each pair, at the recipe's crop size.

    Labels are resized as well, by picking pixels; see `two_cameras` of training's pipeline.
    """
    scorers = {view: SegmentationScorer(job.table) for view in CAMERAS}
    label = in_turns(views_labeller(network))

    def measure(example: dict[str, Any]) -> Arrays:
        images, labels = prepared_views(example, job.recipe.augment.crop_size)
        found = label({view: image[None] for view, image in images.items()})
        measured: Arrays = {}
        for view, prefix in CAMERAS.items():
            scorer = scorers[view]
            counts = scorer.count(scorer.geometry(labels[view]), found[view][0])
            named = counts.named(example[f"{prefix}filename"])
            measured |= {f"{view}/{key}": array for key, array in named.items()}
        return measured

    def measures() -> Iterator[Callable[[], Arrays]]:
        for example in job.pairs():
            yield partial(measure, example)

    for arrays in job.in_order(measures(), progress):
        for view, scorer in scorers.items():
            begin = f"{view}/"
            scorer.add_named(
                {k.removeprefix(begin): v for k, v in arrays.items() if k.startswith(begin)}
            )
    origin = job.origin(step)
    views = {view: SegmentationResult(**origin, **scorers[view].values()) for view in CAMERAS}
    return TwoCameraResult(**origin, images=job.images, views=views)


def prepared_views(
    example: dict[str, Any], size: tuple[int, int]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return images and labels by view, resized to `size` (height, width) as Pillow does."""
    images = {view: resize_image(example[f"{p}image"], size) for view, p in CAMERAS.items()}
    labels = {view: resize_labels(example[f"{p}label"], size) for view, p in CAMERAS.items()}
    return images, labels


def views_labeller(network: "keras.Model") -> Any:
    """Return a function from images by view, uint8 with a batch axis, to labels by view, NumPy."""
    import tensorflow as tf

    from roadseg.ops.best_class import best_class

    @tf.function(reduce_retracing=True, autograph=False)
    def forward(images: dict[str, Any]) -> dict[str, Any]:
        images = {view: tf.cast(image, tf.float32) for view, image in images.items()}
        logits = network(images, training=False)
        return {view: best_class(logits[view]) for view in CAMERAS}

    def label(images: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {view: labels.numpy() for view, labels in forward(images).items()}

    return label
