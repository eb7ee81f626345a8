"""How an image becomes labels: which part is shown, and how samples come back to pixels.

published: the central crop of the training crop size, one image at a time; the scores of the N x N
samples are interpolated linearly over a Delaunay triangulation, as the original did.
cityscapes: the full image, as the exported model sees it; its mIoU compares with other networks'.
fast_seg: the full image, as lxtGH/Fast_Seg's val.py; the mean is over all classes, absent ones 0.
espnet: the full image, as sacmehta/ESPNet; predictions on void pixels enlarge the union.
sfsegnets: as lxtGH/SFSegNets; the full image, or of UDS, KITTI and Mapillary what its authors score
(eval/resizing.py); tiles, scales and mirror as its eval.py (eval/routines.py).
sgcpnet: the full image, as zhouyuan888888/SGCPNet; the network's own map is enlarged bicubically,
and the mean is over all classes, absent ones 1.
All count everything; they differ in the score that says which is best. Instead of whole, images can
be shown in tiles, at several scales and mirrored (InferenceMode), by Fast_Seg's routine or another.
Some tasks have a protocol of their own. frame: densities of whole images against the true ones.
flow: pairs as the recipe makes or reads them, end-point errors in pixels. semantics_sharing: both
cameras' images and labels resized to the recipe's size, each view scored by itself; the mean of
both over all classes, background among them, says which is best.
All build the network with the recipe's evaluation options (DeepLab: output stride 8).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.averaging import averaging_predictor
from roadseg.eval.class_scores import ModelScores
from roadseg.eval.inference import Averaging, Enlargement, InferenceMode
from roadseg.eval.interpolation import delaunay_labels
from roadseg.runs.run_folder import LEARNED

if TYPE_CHECKING:
    import keras

    from roadseg.recipe.recipe import Recipe
    from roadseg.sampling.windows import Axis

PROTOCOLS = ("cityscapes", "published", "fast_seg", "espnet", "sfsegnets", "sgcpnet")
AVERAGING: dict[str, Averaging] = {"sfsegnets": "sfsegnets"}
"""By whose routine a protocol averages, where it is not fast_seg's."""
ENLARGEMENT: dict[str, Enlargement] = {"sgcpnet": "cubic"}
"""How a protocol enlarges a network's own map, where that is not bilinear."""
OWN = {"sampling": "published", "flow": "flow", "two_views": "semantics_sharing"}
"""The one protocol of tasks that have no other."""
INTERPOLATIONS = ("graph", "mesh", "delaunay")

Pending = Callable[[], np.ndarray]
"""Finishes one image outside the graph and returns its labels (height, width)."""
Predictor = Callable[[np.ndarray], list[Pending]]
"""Takes images (batch, height, width, 3) 0..255 and returns one `Pending` for each."""


@dataclass(frozen=True)
class Protocol:
    """The chosen protocol, with what follows from the recipe."""

    name: str
    crop: tuple[int, int] | None
    """(height, width) of the central crop; None for the full image."""
    interpolation: str
    """'graph', 'mesh', 'delaunay', or 'none' for a network without sampling."""
    usual: bool
    """Whether the interpolation is the protocol's own."""
    mode: InferenceMode = field(default_factory=InferenceMode)

    @property
    def label(self) -> str:
        """Name for folders: the protocol, with what is not usual about it."""
        parts = [self.name] if self.usual else [self.name, self.interpolation]
        mode = self.mode.label_beside(*_own_ways(self.name))
        return "-".join(parts if mode == "whole" else [*parts, mode])


def _own_ways(protocol: str) -> tuple[Averaging, Enlargement]:
    return AVERAGING.get(protocol, "fast_seg"), ENLARGEMENT.get(protocol, "bilinear")


def choose_protocol(
    recipe: "Recipe",
    name: str | None = None,
    interpolation: str | None = None,
    mode: InferenceMode | None = None,
) -> Protocol:
    """Return the protocol `name` for a run of `recipe`; None stands for the usual choice.

    Raises RoadsegError for names that do not exist and for choices that do not fit the run.
    """
    own = "frame" if recipe.learns_density else OWN.get(recipe.task)
    name = name or own or "cityscapes"
    if name not in PROTOCOLS and name != own:
        raise RoadsegError(f"no protocol '{name}'; there are: {', '.join(PROTOCOLS)}")
    if interpolation is not None and interpolation not in INTERPOLATIONS:
        there = ", ".join(INTERPOLATIONS)
        raise RoadsegError(f"no interpolation '{interpolation}'; there are: {there}")
    # A density can be scored on the published crop too, as the sampler that it stands in for.
    if own and name != own and not (recipe.learns_density and name == "published"):
        raise RoadsegError(
            f"protocol '{name}': {LEARNED[recipe.task]} are compared in one way only; "
            f"use --protocol {own}"
        )
    if own or recipe.sampling.kind == "none":
        if interpolation is not None:
            raise RoadsegError(
                f"interpolation '{interpolation}': this run has no samples to bring back to "
                "pixels; leave --interpolation out"
            )
        usual, interpolation = "none", "none"
    else:
        usual = "delaunay" if name == "published" else "graph"
    chosen = interpolation or usual
    crop = recipe.augment.crop_size if name == "published" else None
    mode = (mode or InferenceMode()).settled(*_own_ways(name))
    _check_mode(mode, recipe, chosen)
    return Protocol(name, crop, chosen, chosen == usual, mode)


def _check_mode(mode: InferenceMode, recipe: "Recipe", interpolation: str) -> None:
    """Raise RoadsegError where no scores at pixels are there to be averaged as `mode` asks."""
    if mode.enlargement == "cubic" and recipe.sampling.kind != "none":
        raise RoadsegError(
            "cubic enlargement is of a network's own map, and this run's comes back from samples; "
            "add --enlargement bilinear"
        )
    single = recipe.task == "segmentation"
    if mode.is_whole or (single and interpolation not in ("mesh", "delaunay")):
        return
    way = (
        f"interpolation '{interpolation}'"
        if single
        else f"a run that learns {LEARNED[recipe.task]}"
    )
    raise RoadsegError(
        f"{mode.label}: {way} gives no scores at pixels that could be averaged; leave --sliding, "
        "--scales, --size and --mirror out"
    )


def predictor(
    segmenter: "keras.Model", interpolation: str, mode: InferenceMode | None = None
) -> Predictor:
    """Return how `segmenter` labels images when scores come back by `interpolation`.

    segmenter: what `RunFolder.load_segmenter` returns. 'none' and 'graph' run wholly in the graph,
    'mesh' and 'delaunay' leave it at the N x N scores; the rest runs in the caller's threads.
    mode: tiles, scales, mirror; None for whole images.
    """
    if mode is not None and not mode.is_whole:
        return averaging_predictor(ModelScores(segmenter, mode.enlargement), mode)
    if interpolation in ("none", "graph"):
        return graph_predictor(segmenter)
    return sampled_predictor(segmenter, mesh_labels if interpolation == "mesh" else delaunay_labels)


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
    """Return a predictor that leaves the graph at the scores of the samples of each view."""
    import tensorflow as tf

    from roadseg.sampling.windows import cover

    @tf.function(reduce_retracing=True)
    def forward(images: Any) -> Any:
        views = segmenter.views(tf.cast(images, tf.float32))
        grid = segmenter.grid(views)
        return segmenter.scores_at(views, grid, training=False), grid

    def predict(images: np.ndarray) -> list[Pending]:
        size = images.shape[1:3]
        axes = cover(size, size if segmenter.window is None else segmenter.window)
        places = [np.asarray(axis.places()) for axis in axes]
        of_views = [tensor.numpy() for tensor in forward(tf.constant(images))]
        of_images = [np.split(array, len(images)) for array in of_views]
        return [
            partial(_stitched_labels, scores, grids, axes, places, to_labels)
            for scores, grids in zip(*of_images, strict=True)
        ]

    return predict


def _stitched_labels(
    scores: np.ndarray,
    grids: np.ndarray,
    axes: tuple["Axis", "Axis"],
    places: list[np.ndarray],
    to_labels: Callable[[np.ndarray, np.ndarray, Any], np.ndarray],
) -> np.ndarray:
    """Return the labels of one image from the samples (views, h, w, ...) of its views."""
    rows, columns = axes
    size = rows.extent, columns.extent
    views = [to_labels(score, grid, size) for score, grid in zip(scores, grids, strict=True)]
    joined = np.block([views[i : i + columns.count] for i in range(0, len(views), columns.count)])
    return joined if len(views) == 1 else joined[places[0]][:, places[1]]


def mesh_labels(scores: np.ndarray, grid: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return labels (height, width) through the fixed two-triangles-a-cell mesh, natively.

    scores: (h, w, classes) float. grid: (h, w, 2), (row, column) 0..1.
    """
    from roadseg import nus_native

    return nus_native.interpolate(scores, grid, size, argmax=True)
