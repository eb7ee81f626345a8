"""Evaluations of optical flow: against the known one, and by what it explains."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.eval.cores import in_turns
from roadseg.eval.frames import read_frames
from roadseg.eval.job import Job, Progress
from roadseg.eval.results.two_cameras import FlowResult, FlowScore
from roadseg.eval.tasks.evaluator import Evaluate, Evaluator
from roadseg.eval.tasks.two_cameras import prepared_views
from roadseg.files import Arrays
from roadseg.recipe.recipe import Recipe
from roadseg.two_cameras.flow_files import known

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class FlowPair:
    """Two images (height, width, 3), 0..255, and the flow (height, width, 2), None if unknown."""

    name: str
    first: np.ndarray
    second: np.ndarray
    flow_xy_px: np.ndarray | None


class Flow(Evaluator):
    """Optical flow between two images."""

    def load(self, job: Job, step: int) -> Evaluate:
        """Return what compares the flows of `job`; see `Evaluator.load`."""
        return partial(_evaluate, job, step, job.run.load_network(step))


def _evaluate(job: Job, step: int, network: "keras.Model", progress: Progress | None) -> FlowResult:
    """Return how far the flows of `network` are from the known ones, and what they explain.

    Pixels whose flow is not known count in no error.
    """
    forward = in_turns(flow_function(network))
    errors, zeros, per_image = [], [], []
    levels = np.zeros(2)

    def measure(pair: FlowPair) -> Arrays:
        flow, differences = forward(pair.first[None], pair.second[None])
        return _measure(pair, flow[0], differences)

    def measures() -> Iterator[Callable[[], Arrays]]:
        for pair in flow_pairs(job):
            yield partial(measure, pair)

    for arrays in job.in_order(measures(), progress):
        errors.append(arrays["error"])
        zeros.append(arrays["zero"])
        levels += arrays["levels"]
        shown = _or_nan(arrays["error"])
        scores = float(shown.mean()), float(np.median(shown)), float(arrays["levels"][0])
        per_image.append(FlowScore(str(arrays["name"]), *scores))
    of_flow, of_none = _or_nan(np.concatenate(errors)), _or_nan(np.concatenate(zeros))
    photometric, photometric_of_none = levels / len(per_image)
    return FlowResult(
        **job.origin(step),
        images=len(per_image),
        # In double precision: millions of pixels are added up.
        epe=float(of_flow.mean(dtype=np.float64)),
        epe_median=float(np.median(of_flow)),
        epe_of_none=float(of_none.mean(dtype=np.float64)),
        epe_of_none_median=float(np.median(of_none)),
        photometric=float(photometric),
        photometric_of_none=float(photometric_of_none),
        per_image=per_image,
    )


def _measure(pair: FlowPair, flow: np.ndarray, differences: np.ndarray) -> Arrays:
    """Return the errors in pixels at each pixel whose flow is known, and photometric ones."""
    # Without a known flow every mean and median of errors becomes NaN.
    error = zero = np.array([np.nan], np.float32)
    if pair.flow_xy_px is not None:
        there = known(pair.flow_xy_px)
        target = pair.flow_xy_px[there]
        error = np.linalg.norm(flow[there] - target, axis=-1)
        zero = np.linalg.norm(target, axis=-1)
    return {"name": np.array(pair.name), "error": error, "zero": zero, "levels": differences}


def _or_nan(errors: np.ndarray) -> np.ndarray:
    """Return errors, or NaN alone where no flow is known that could have one."""
    return errors if len(errors) else np.array([np.nan], np.float32)


def flow_function(network: "keras.Model") -> Any:
    """Return a function from two batches of images to flows and two photometric differences.

    The differences are means over the batch, 0..255: with the first image moved by the flow, and
    as it is.
    """
    import tensorflow as tf

    from roadseg.ops.flow import warp_by_flow

    @tf.function(reduce_retracing=True, autograph=False)
    def forward(first: Any, second: Any) -> tuple[Any, Any]:
        first, second = tf.cast(first, tf.float32), tf.cast(second, tf.float32)
        flow = network({"first": first, "second": second}, training=False)["flow"]
        moved = tf.reduce_mean(tf.abs(warp_by_flow(first, flow, sign=-1) - second))
        return flow, tf.stack([moved, tf.reduce_mean(tf.abs(first - second))])

    return lambda first, second: tuple(part.numpy() for part in forward(first, second))


def flow_pairs(job: Job) -> Iterator[FlowPair]:
    """Yield the pairs that the recipe of a run learns from, of what is evaluated here.

    Made ones come from the middle of each image, by numbers that the seed and its place decide.
    """
    from roadseg.two_cameras.rig import find_rig

    recipe = job.recipe
    if recipe.flow.pairs == "warped":
        yield from _warped(job, recipe)
        return
    for example in job.pairs():
        name = example["filename"]
        if recipe.flow.pairs == "recorded":
            flow = example["flow_xy_px"]
            yield FlowPair(name, example["image"], example["second_image"], flow)
        else:
            images, _ = prepared_views(example, recipe.augment.crop_size)
            seen = find_rig(recipe.network.rig).seen_by_narrow(images["wide"])
            yield FlowPair(name, seen, images["narrow"], None)


def _warped(job: Job, recipe: Recipe) -> Iterator[FlowPair]:
    from roadseg.two_cameras.warped_pairs import DRAWS, frame_size, warped_pairs

    places = range(job.images) if job.places is None else job.places
    limit = job.options.max_images
    frames = read_frames(job.records, frame_size(recipe), limit, places=job.places)
    for place, frame in zip(places, frames, strict=False):
        draws = np.random.default_rng((recipe.seed, place)).random((1, DRAWS))
        parts = warped_pairs(frame.image[None], draws.astype(np.float32), recipe)
        yield FlowPair(frame.name, *(np.asarray(part)[0] for part in parts))
