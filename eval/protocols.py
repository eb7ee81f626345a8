"""The protocol of an evaluation, and how a network labels images by it.

See roadseg.recipe.protocol for the protocols. All build the network with the recipe's evaluation
options (DeepLab: output stride 8).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.interpolation import delaunay_labels
from roadseg.recipe.protocol import PROTOCOLS, Protocol, find_protocol
from roadseg.tasks.table import task_of

if TYPE_CHECKING:
    import keras

    from roadseg.recipe.recipe import Recipe
    from roadseg.sampling.windows import Axis

Pending = Callable[[], np.ndarray]
"""Finishes one image outside the graph and returns its labels (height, width)."""
Predictor = Callable[[np.ndarray], list[Pending]]
"""Takes images (batch, height, width, 3) 0..255 and returns one `Pending` for each."""


def choose_protocol(
    recipe: "Recipe",
    chosen: Protocol | str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Protocol:
    """Return the protocol for a run of `recipe`, its interpolation settled.

    chosen: one, or the name of one; None: the recipe's own. changes: fields that differ from it.
    Raises RoadsegError for names that do not exist and for choices that do not fit the run.
    """
    changes = changes or {}
    samples = task_of(recipe).samples(recipe)
    protocol = _named(recipe, chosen).replace(changes)
    if not samples and "interpolation" in changes:
        raise RoadsegError(
            f"interpolation '{protocol.interpolation}': this run has no samples to interpolate to "
            "pixels; leave --interpolation out"
        )
    if chosen is None and samples and "upsampling" not in changes:
        changes = {**changes, "upsampling": "bilinear"}  # logits of samples come to pixels by these
        protocol = protocol.replace(changes)
    way = "graph" if protocol.interpolation == "auto" else protocol.interpolation
    protocol = protocol.replace({"interpolation": way if samples else "none"})
    _check_logits(protocol, recipe)
    return protocol


def _named(recipe: "Recipe", chosen: Protocol | str | None) -> Protocol:
    task = task_of(recipe)
    fits = task.protocols
    if chosen is None:
        return recipe.protocol if recipe.protocol.name in fits else PROTOCOLS[fits[0]]
    protocol = find_protocol(chosen) if isinstance(chosen, str) else chosen
    if protocol.name in fits:
        return protocol
    if task.labels_images:
        raise RoadsegError(
            f"no protocol '{protocol.name}' of this task; there are: {', '.join(fits)}"
        )
    raise RoadsegError(
        f"protocol '{protocol.name}': {task.learns} are compared in one way only; "
        f"use --protocol {fits[0]}"
    )


def _check_logits(protocol: Protocol, recipe: "Recipe") -> None:
    """Raise RoadsegError where no logits at pixels are there to be averaged as it asks."""
    if protocol.upsampling == "bicubic" and recipe.sampling.kind != "none":
        raise RoadsegError(
            "bicubic upsampling is of a network's own map, and this run's comes from samples; "
            "add --upsampling bilinear"
        )
    task = task_of(recipe)
    single = task.labels_images
    if protocol.is_whole or (single and protocol.interpolation not in ("mesh", "delaunay")):
        return
    way = (
        f"interpolation '{protocol.interpolation}'"
        if single
        else f"a run that learns {task.learns}"
    )
    raise RoadsegError(
        f"{protocol.shown}: {way} gives no logits at pixels that could be averaged; leave --tile, "
        "--scales, --input-scale and --flip out"
    )


def predictor(segmenter: "keras.Model", protocol: Protocol) -> Predictor:
    """Return how `segmenter` labels images by a protocol whose interpolation is settled.

    segmenter: what `RunFolder.load_segmenter` returns. 'none' and 'graph' run wholly in the graph,
    'mesh' and 'delaunay' leave it at the N x N logits; the rest runs in the caller's threads.
    """
    if not protocol.is_whole:
        return averaging_predictor(segmenter, protocol)
    if protocol.interpolation in ("none", "graph"):
        return graph_predictor(segmenter)
    mesh = protocol.interpolation == "mesh"
    return sampled_predictor(segmenter, mesh_labels if mesh else delaunay_labels)


def averaging_predictor(segmenter: "keras.Model", protocol: Protocol) -> Predictor:
    """Return a predictor of the best class of averaged logits.

    One image at a time, so that memory does not grow with the batch.
    """
    from roadseg.inference.averaging import averaged_logits, check_tile
    from roadseg.inference.class_logits import class_logits_of
    from roadseg.ops.best_class import best_class

    logits_of = class_logits_of(segmenter, protocol.upsampling)
    check_tile(protocol, logits_of)

    def predict(images: np.ndarray) -> list[Pending]:
        averaged = (averaged_logits(image, logits_of, protocol) for image in np.asarray(images))
        return [partial(np.asarray, np.asarray(best_class(logits))) for logits in averaged]

    return predict


def graph_predictor(segmenter: "keras.Model") -> Predictor:
    """Return a predictor that runs wholly in the graph, compiled once for images of any size."""
    from roadseg.inference.forward import Forward, outputs_of

    forward = Forward(outputs_of(segmenter))

    def predict(images: np.ndarray) -> list[Pending]:
        return [partial(np.asarray, label) for label in forward(images, "labels")["labels"]]

    return predict


def sampled_predictor(
    segmenter: "keras.Model", to_labels: Callable[[np.ndarray, np.ndarray, Any], np.ndarray]
) -> Predictor:
    """Return a predictor that leaves the graph at the logits of the samples of each view."""
    import tensorflow as tf

    from roadseg.sampling.windows import cover

    @tf.function(reduce_retracing=True, autograph=False)
    def forward(images: Any) -> Any:
        views = segmenter.views(tf.cast(images, tf.float32))
        grid = segmenter.grid(views)
        return segmenter.logits_at(views, grid, training=False), grid

    def predict(images: np.ndarray) -> list[Pending]:
        size = images.shape[1:3]
        axes = cover(size, size if segmenter.window is None else segmenter.window)
        places = [np.asarray(axis.places()) for axis in axes]
        of_views = [tensor.numpy() for tensor in forward(tf.constant(images))]
        of_images = [np.split(array, len(images)) for array in of_views]
        return [
            partial(_stitched_labels, logits, grids, axes, places, to_labels)
            for logits, grids in zip(*of_images, strict=True)
        ]

    return predict


def _stitched_labels(
    logits: np.ndarray,
    grids: np.ndarray,
    axes: tuple["Axis", "Axis"],
    places: list[np.ndarray],
    to_labels: Callable[[np.ndarray, np.ndarray, Any], np.ndarray],
) -> np.ndarray:
    """Return the labels of one image from the samples (views, h, w, ...) of its views."""
    rows, columns = axes
    size = rows.extent, columns.extent
    views = [
        to_labels(of_samples, grid, size) for of_samples, grid in zip(logits, grids, strict=True)
    ]
    joined = np.block([views[i : i + columns.count] for i in range(0, len(views), columns.count)])
    return joined if len(views) == 1 else joined[places[0]][:, places[1]]


def mesh_labels(logits: np.ndarray, grid: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return labels (height, width) through the fixed two-triangles-a-cell mesh, natively.

    logits: (h, w, classes) float. grid: (h, w, 2), (row, column) 0..1.
    """
    from roadseg import nus_native

    return nus_native.interpolate(logits, grid, size, argmax=True)
