"""Evaluations of two images: the flow between them, and the labels of two cameras' views."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.eval.frames import batches, read_frames
from roadseg.eval.pair_results import FlowResult, FlowScore, TwoViewResult
from roadseg.eval.resizing import resize_image, resize_labels
from roadseg.eval.results import EvaluationResult
from roadseg.eval.scoring import SegmentationScorer
from roadseg.flow_files import known

if TYPE_CHECKING:
    import keras

    from roadseg.data_conversion.two_view_records import TwoViewRecords
    from roadseg.eval.evaluate import Evaluation, Progress
    from roadseg.recipe import Recipe

VIEWS = {"wide": "", "narrow": "second_"}
"""Names of the views, and how their keys begin in a record."""


@dataclass(frozen=True)
class FlowPair:
    """Two images (height, width, 3), 0..255, and the flow (height, width, 2), None if unknown."""

    name: str
    first: np.ndarray
    second: np.ndarray
    flow_xy_px: np.ndarray | None


def evaluate_views(
    evaluation: "Evaluation", step: int, network: "keras.Model", progress: "Progress | None"
) -> TwoViewResult:
    """Return the scores of `network` on both views of each pair, at the size of the recipe's crop.

    Labels are resized as well, by picking pixels; see `two_views` of training's pipeline.
    """
    scorers = {view: SegmentationScorer(evaluation.table) for view in VIEWS}
    label = views_labeller(network)
    examples = islice(evaluation.records.examples(), evaluation.images)
    for number, example in enumerate(examples, 1):
        images, labels = prepared_views(example, evaluation.recipe.crop_size)
        found = label({view: image[None] for view, image in images.items()})
        for view, prefix in VIEWS.items():
            scorer = scorers[view]
            counts = scorer.count(scorer.geometry(labels[view]), found[view][0])
            scorer.add(example[f"{prefix}filename"], counts)
        if progress:
            progress(number, evaluation.images)
    origin = evaluation.origin(step)
    views = {view: EvaluationResult(**origin, **scorers[view].values()) for view in VIEWS}
    return TwoViewResult(**origin, images=evaluation.images, views=views)


def prepared_views(
    example: dict[str, Any], size: tuple[int, int]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return images and labels by view, resized to `size` (height, width) as Pillow does."""
    images = {view: resize_image(example[f"{p}image"], size) for view, p in VIEWS.items()}
    labels = {view: resize_labels(example[f"{p}label"], size) for view, p in VIEWS.items()}
    return images, labels


def views_labeller(network: "keras.Model") -> Any:
    """Return a function from images by view, uint8 with a batch axis, to labels by view, NumPy."""
    import tensorflow as tf

    from roadseg.sampling.best_class import best_class

    @tf.function(reduce_retracing=True)
    def forward(images: dict[str, Any]) -> dict[str, Any]:
        images = {view: tf.cast(image, tf.float32) for view, image in images.items()}
        scores = network(images, training=False)
        return {view: best_class(scores[view]) for view in VIEWS}

    def label(images: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {view: labels.numpy() for view, labels in forward(images).items()}

    return label


def evaluate_flow(
    evaluation: "Evaluation", step: int, network: "keras.Model", progress: "Progress | None"
) -> FlowResult:
    """Return how far the flows of `network` are from the known ones, and what they explain.

    Pixels whose flow is not known count in no error.
    """
    forward = flow_function(network)
    errors, zeros, per_image = [], [], []
    levels = np.zeros(2)
    for pair in flow_pairs(evaluation):
        flow, differences = forward(pair.first[None], pair.second[None])
        error = zero = np.array([np.nan], np.float32)
        if pair.flow_xy_px is not None:
            there = known(pair.flow_xy_px)
            target = pair.flow_xy_px[there]
            error = np.linalg.norm(flow[0][there] - target, axis=-1)
            zero = np.linalg.norm(target, axis=-1)
        errors.append(error)
        zeros.append(zero)
        levels += differences
        shown = error if len(error) else np.array([np.nan])  # nothing of this flow is known
        scores = float(shown.mean()), float(np.median(shown)), float(differences[0])
        per_image.append(FlowScore(pair.name, *scores))
        if progress:
            progress(len(per_image), evaluation.images)
    of_flow, of_none = np.concatenate(errors), np.concatenate(zeros)
    photometric, photometric_of_none = levels / len(per_image)
    return FlowResult(
        **evaluation.origin(step),
        images=len(per_image),
        epe=float(of_flow.mean(dtype=np.float64)),
        epe_median=float(np.median(of_flow)),
        epe_of_none=float(of_none.mean(dtype=np.float64)),
        epe_of_none_median=float(np.median(of_none)),
        photometric=float(photometric),
        photometric_of_none=float(photometric_of_none),
        per_image=per_image,
    )


def flow_function(network: "keras.Model") -> Any:
    """Return a function from two batches of images to flows and two photometric differences.

    The differences are means over the batch, 0..255: with the first image moved by the flow, and
    as it is.
    """
    import tensorflow as tf

    from roadseg.ops.flow import warp_by_flow

    @tf.function(reduce_retracing=True)
    def forward(first: Any, second: Any) -> tuple[Any, Any]:
        first, second = tf.cast(first, tf.float32), tf.cast(second, tf.float32)
        flow = network({"first": first, "second": second}, training=False)["flow"]
        moved = tf.reduce_mean(tf.abs(warp_by_flow(first, flow, sign=-1) - second))
        return flow, tf.stack([moved, tf.reduce_mean(tf.abs(first - second))])

    return lambda first, second: tuple(part.numpy() for part in forward(first, second))


def flow_pairs(evaluation: "Evaluation") -> Iterator[FlowPair]:
    """Yield the pairs that the recipe of a run learns from, of the split that is evaluated.

    Made ones come from the middle of each image, by numbers that the seed and its place decide.
    """
    recipe = evaluation.recipe
    if recipe.flow_pairs == "warped":
        yield from _warped(evaluation, recipe)
        return
    for example in islice(evaluation.records.examples(), evaluation.images):
        name = example["filename"]
        if recipe.flow_pairs == "recorded":
            flow = example["flow_xy_px"]
            yield FlowPair(name, example["image"], example["second_image"], flow)
        else:
            images, _ = prepared_views(example, recipe.crop_size)
            yield FlowPair(name, seen_by_narrow(recipe, images["wide"]), images["narrow"], None)


def seen_by_narrow(recipe: "Recipe", wide: np.ndarray) -> np.ndarray:
    """Return the wide view (height, width, 3) as the narrow camera sees it, float32."""
    from roadseg.ops.homography import warp_by_homography
    from roadseg.rig import find_rig

    matrix = find_rig(recipe.rig).sampling_matrix("narrow", size=wide.shape[:2])
    return np.asarray(warp_by_homography(wide[None].astype(np.float32), matrix, wide.shape[:2]))[0]


def _warped(evaluation: "Evaluation", recipe: "Recipe") -> Iterator[FlowPair]:
    from roadseg.warped_pairs import DRAWS, frame_size, warped_pairs

    frames = read_frames(evaluation.records, frame_size(recipe), evaluation.options.limit)
    for place, (frame,) in enumerate(batches(frames, 1)):
        draws = np.random.default_rng((recipe.seed, place)).random((1, DRAWS))
        parts = warped_pairs(frame.image[None], draws.astype(np.float32), recipe)
        yield FlowPair(frame.name, *(np.asarray(part)[0] for part in parts))


def open_views(path: Path, split: str) -> "TwoViewRecords":
    """Return the records of both views of `split`; RoadsegError as `open_two_views` says."""
    from roadseg.data_conversion.two_view_records import open_two_views

    return open_two_views(path, split)
