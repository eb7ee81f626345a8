"""Losses of flow networks: against a known flow, or from the two images alone.

Flows have channels (x, y), in pixels of their own map; images are RGB, 0..255. Every loss is a
list of terms, weight * sum / count, so that several replicas divide by what all of them have.
Source: SemanticsSharing 9fc1fde, flow pre-training; the terms without labels are Monodepth2's
(Godard et al. 2019). Both bear licences against commercial use: only what they compute was read.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from roadseg.losses.criteria import Term
from roadseg.ops.flow import resize_flow, warp_by_flow

Tensor = Any

UNKNOWN_PX = 1e9
# Flows at 1/64, 1/32, 1/16, 1/8 and full size.
MULTI_SCALE_FACTORS = (64, 32, 16, 8, 1)
MULTI_SCALE_WEIGHTS = (0.32, 0.08, 0.02, 0.01, 0.005)
PHOTOMETRIC_WEIGHT = 0.01
# Made for images of 0..1; the original has them for 0..255 all the same.
SSIM_CONSTANTS = (0.01**2, 0.03**2)


def end_point_error(flow: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return (Euclidean distances of two flows summed over their pixels, number of pixels).

    flow, target: (batch, height, width, 2) float. The quotient is the mean end-point error, and
    the original's `L2Loss` where `flow` is the final one. Pixels whose target is not known
    (`known`) count neither in the sum nor in the number, which is at least 1.
    Raises ValueError when the sizes are known and differ.
    """
    there = known(target)
    distances = end_point_distances(flow, _or_zero(target, there))
    there = ops.cast(there, distances.dtype)
    return ops.sum(distances * there), ops.maximum(ops.sum(there), 1)


def known(flow: Tensor) -> Tensor:
    """Return where a flow is known, (batch, height, width) bool.

    A component of 1e9 or more, an infinite one, or none at all says that it is not. Source:
    Middlebury's form of files, see `flow_files`.
    """
    return ops.all(ops.abs(_wide(flow)) < UNKNOWN_PX, axis=-1)


def _or_zero(flow: Tensor, there: Tensor) -> Tensor:
    """Return `flow` with 0 where it is not `there`: NaN times 0 would still be NaN."""
    flow = ops.convert_to_tensor(flow)
    return ops.where(there[..., None], flow, ops.zeros_like(flow))


def end_point_distances(flow: Tensor, target: Tensor) -> Tensor:
    """Return the Euclidean distance of two flows at every pixel, (batch, height, width)."""
    flow, target = ops.convert_to_tensor(flow), ops.convert_to_tensor(target)
    for side, other in zip(flow.shape[1:], target.shape[1:], strict=True):
        if None not in (side, other) and side != other:
            raise ValueError(f"flow {tuple(flow.shape)} and target {tuple(target.shape)} differ")
    squares = ops.sum(ops.square(_wide(flow) - _wide(target)), axis=-1)
    # The root's slope at 0 is infinite; below a millionth of a pixel there is none.
    return ops.sqrt(ops.maximum(squares, 1e-12))


def multi_scale_terms(
    flows: Sequence[Tensor],
    target: Tensor,
    weights: Sequence[float] = MULTI_SCALE_WEIGHTS,
    factors: Sequence[int] = MULTI_SCALE_FACTORS,
    swapped: bool = True,
) -> list[Term]:
    """Return a term for each flow of the pyramid, the mean distance to the reduced target.

    flows: coarse to fine, each (batch, h, w, 2). target: (batch, height, width, 2).
    factors: by how much the target is averaged and divided for each of them, over the pixels of
        which it is known; where it is of none, the reduced one is not known either. A flow of
        another size than its target is resized, half-pixel; `swapped` as in `resize_flow`.
    Raises ValueError unless there are as many weights and factors as flows.
    Source: the original's `MultiScale`, its default.
    """
    terms = []
    for flow, weight, factor in zip(flows, weights, factors, strict=True):
        reduced = _reduced(target, factor) if factor > 1 else target
        flow = _at_size_of(flow, reduced, swapped)
        terms.append(Term(weight, *end_point_error(flow, reduced)))
    return terms


def _reduced(target: Tensor, factor: int) -> Tensor:
    """Return the mean of a flow over windows of `factor` pixels, divided by it."""
    there = known(target)
    mean = ops.average_pool(_or_zero(target, there), factor, factor, "valid")
    share = ops.average_pool(ops.cast(there, mean.dtype)[..., None], factor, factor, "valid")
    # Where all is known the share is 1, and the mean is the original's to the bit.
    filled = mean / ops.maximum(share, 1e-12) / factor
    return ops.where(share > 0, filled, ops.full_like(filled, UNKNOWN_PX))


def self_supervised_terms(
    first: Tensor, second: Tensor, flow: Tensor, swapped: bool = True
) -> list[Term]:
    """Return the terms that ask the first image, moved by the flow, to look like the second.

    first, second: (batch, height, width, 3), 0..255. flow: the final one, resized if need be.
    The first image is read at each pixel minus its flow: the flow's pixels are taken for the
    second image's. Nothing is said about what one of the images does not show.
    Source: the original's `SelfLoss`.
    """
    flow = _at_size_of(flow, second, swapped)
    warped = warp_by_flow(_wide(first), flow, sign=-1)
    return [
        Term(PHOTOMETRIC_WEIGHT, *photometric(warped, second)),
        Term(1.0, *structural_dissimilarity(warped, second)),
        *smoothness_terms(flow, first),
    ]


def multi_scale_self_supervised_terms(
    first: Tensor, second: Tensor, flows: Sequence[Tensor], swapped: bool = True
) -> list[Term]:
    """Return the terms of `self_supervised_terms` for every flow of the pyramid, in equal parts.

    Each flow is enlarged to the images and judged there, so that coarse levels, which see far,
    learn from the images themselves. Source: Monodepth2's multi-scale loss (Godard et al. 2019,
    section 3.3), with the terms of `SelfLoss`; the original judges its final flow alone.
    """
    return [
        Term(term.weight / len(flows), term.total, term.count)
        for flow in flows
        for term in self_supervised_terms(first, second, flow, swapped)
    ]


def photometric(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return (absolute differences summed over every value, number of values)."""
    differences = ops.abs(_wide(first) - _wide(second))
    return ops.sum(differences), _number(differences)


def structural_dissimilarity(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return (the values of `dissimilarity_map` summed, number of values)."""
    differences = dissimilarity_map(first, second)
    return ops.sum(differences), _number(differences)


def dissimilarity_map(first: Tensor, second: Tensor) -> Tensor:
    """Return (1 - SSIM) / 2 of each pixel and channel, limited to 0..1.

    first, second: (batch, height, width, channels). Moments are taken over 3 x 3 pixels, the rim
    reflected. Source: Wang et al. 2004, with Monodepth2's window and constants.
    """
    first, second = _wide(first), _wide(second)
    # About the middle pixel: as mean squares less squared means, variances of a bright even patch
    # would be rounding alone, and larger than the constants.
    shifts = [(a - first, b - second) for a, b in zip(_around(first), _around(second), strict=True)]
    mean_first, mean_second = (sum(shift[i] for shift in shifts) / 9 for i in (0, 1))
    variance_first = sum(ops.square(a) for a, _ in shifts) / 9 - ops.square(mean_first)
    variance_second = sum(ops.square(b) for _, b in shifts) / 9 - ops.square(mean_second)
    covariance = sum(a * b for a, b in shifts) / 9 - mean_first * mean_second
    mean_first, mean_second = mean_first + first, mean_second + second
    c1, c2 = SSIM_CONSTANTS
    likeness = (2 * mean_first * mean_second + c1) * (2 * covariance + c2)
    most = ops.square(mean_first) + ops.square(mean_second) + c1
    return ops.clip((1 - likeness / (most * (variance_first + variance_second + c2))) / 2, 0, 1)


def smoothness_terms(flow: Tensor, image: Tensor) -> list[Term]:
    """Return the mean slope of the flow across and down, less where the image has an edge.

    flow: (batch, height, width, 2). image: (batch, height, width, 3), 0..255: at that range a step
    of five levels leaves less than a hundredth of the slope.
    """
    flow, image = _wide(flow), _wide(image)
    terms = []
    for axis in (2, 1):
        edges = ops.mean(ops.abs(_steps(image, axis)), axis=-1, keepdims=True)
        slopes = ops.abs(_steps(flow, axis)) * ops.exp(-edges)
        terms.append(Term(1.0, ops.sum(slopes), _number(slopes)))
    return terms


def _at_size_of(flow: Tensor, images: Tensor, swapped: bool) -> Tensor:
    known = tuple(images.shape[1:3])
    if None not in known and tuple(flow.shape[1:3]) == known:
        return flow
    return resize_flow(flow, tuple(ops.shape(images)[1:3]), "half_pixel", swapped)


def _around(images: Tensor) -> list[Tensor]:
    """Return `images` moved to each of the nine places of a 3 x 3 window, the rim reflected."""
    height, width = ops.shape(images)[1:3]
    padded = ops.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    places = [(top, left) for top in range(3) for left in range(3)]
    return [padded[:, top : top + height, left : left + width] for top, left in places]


def _steps(images: Tensor, axis: int) -> Tensor:
    return ops.diff(images, axis=axis)


def _number(values: Tensor) -> Tensor:
    return ops.sum(ops.ones_like(values))


def _wide(values: Tensor) -> Tensor:
    """Return `values` in float32 or wider."""
    values = ops.convert_to_tensor(values)
    return ops.cast(values, keras.backend.result_type(values.dtype, "float32"))
