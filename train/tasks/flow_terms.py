"""The task 'flow': pairs of images to the terms of a flow network's loss."""

from typing import Any

import keras
from keras import ops

from roadseg.losses import flow as losses
from roadseg.losses.criteria import Term
from roadseg.models.two_cameras import CAMERAS
from roadseg.ops.homography import warp_by_homography
from roadseg.recipe.recipe import Recipe
from roadseg.two_cameras.rig import find_rig
from roadseg.two_cameras.warped_pairs import warped_pairs

Tensor = Any
Batch = dict[str, Tensor]

# How often the side of an image is halved for a level -> the weight of its flow.
WEIGHTS = dict(zip(losses.MULTI_SCALE_FACTORS, losses.MULTI_SCALE_WEIGHTS, strict=True))


def flow_inputs(recipe: Recipe, batch: Batch) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the first and the second images, 0..255, and the flow between them if it is known.

    batch: as `pairs.element` gives it; of two cameras the first is the wide one as the narrow
    camera sees it, by the homography that the loosely coupled network uses.
    """
    if "draws" in batch:
        return warped_pairs(batch["image"], batch["draws"], recipe)
    if "flow_xy_px" in batch:
        first, second = (ops.cast(batch[name], "float32") for name in ("first", "second"))
        return first, second, batch["flow_xy_px"]
    wide, narrow = (ops.cast(batch[view], "float32") for view in CAMERAS)
    matrix = find_rig(recipe.network.rig).sampling_matrix("narrow", size=recipe.augment.crop_size)
    return warp_by_homography(wide, matrix, recipe.augment.crop_size), narrow, None


def flow_terms(
    recipe: Recipe, model: keras.Model, batch: Batch, training: bool = True
) -> list[Term]:
    """Return the terms of recipe.flow_loss for the flows that `model` finds in a batch."""
    first, second, target = flow_inputs(recipe, batch)
    flows = ordered_flows(model({"first": first, "second": second}, training=training))
    last, swapped = flows[-1][1], bool(recipe.network.options.get("swapped_flow_factors", True))
    if recipe.flow.loss == "multi_scale":
        factors = [factor for factor, _ in flows]
        weights = [WEIGHTS[factor] for factor in factors]
        levels = [flow for _, flow in flows]
        return losses.multi_scale_terms(levels, target, weights, factors, swapped)
    if recipe.flow.loss == "l2":
        return [Term(1.0, *losses.end_point_error(last, target))]
    if recipe.flow.loss == "self":
        return losses.self_supervised_terms(first, second, last, swapped)
    levels = [flow for _, flow in flows]
    return losses.multi_scale_self_supervised_terms(first, second, levels, swapped)


def ordered_flows(flows: dict[str, Tensor]) -> list[tuple[int, Tensor]]:
    """Return (factor, flow) of every level, coarse to fine: 'flow_64' is at 1/64, 'flow' full."""
    factors = {name: int(name.partition("_")[2] or 1) for name in flows}
    return [(factors[name], flows[name]) for name in sorted(flows, key=lambda n: -factors[n])]
