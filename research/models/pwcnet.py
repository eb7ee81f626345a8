"""PWC-Net, reduced: the flow between two images, or between features and an image.

Paper: Sun et al. 2018 (arXiv:1709.02371); Xiang et al. 2019 (arXiv:1909.07038) for its two uses.
Source: zhenzhenxiang/SemanticsSharing, commit 9fc1fde, `Net` and `Net_MobileNetV3`, after
RanhaoKang/PWC-Net_pytorch (MIT).
Changed: the last flow comes at the images' size; a list of flows became a dict; estimators that are
never run are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from roadseg.backbones.pwc import SEARCH_RANGE, feature_pyramid, refine_flow
from roadseg.layers.flow import EnlargeFlow, NoFlow, ResizeFlow
from roadseg.layers.normalisation import normalise
from roadseg.layers.precision import full_precision
from roadseg.layers.resize import ResizeLike, ResizeToMultiple
from roadseg.ops.resize import Corners

Tensor = Any
WIDTHS = (3, 16, 32, 64, 96, 128, 192)
OUTPUT_LEVEL = 4
FEATURE_WIDTHS = (3, 16, 24, 40, 112)
"""Channels of the narrow image's pyramid, the last three those of the wide view's features."""
MULTIPLE = 32
STRIDES = (16, 8, 4)


@dataclass(frozen=True)
class FlowOptions:
    """How flows are read and resized; the defaults are as published."""

    swapped_factors: bool = True
    """Let x grow by the ratio of the heights and y by that of the widths where a flow is resized
    to a size that is no multiple of its own. The two differ only there; False is right."""
    align_corners: bool = True
    """Of every look-up along a flow; False is what PyTorch does by default since 1.3."""
    search_range: int = SEARCH_RANGE
    """Largest displacement of a cost volume, in pixels of its level."""


def pwcnet(
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    widths: Sequence[int] = WIDTHS,
    output_level: int = OUTPUT_LEVEL,
    swapped_flow_factors: bool = True,
    aligned_sampling: bool = True,
    search_range: int = SEARCH_RANGE,
    normalised: bool = False,
) -> keras.Model:
    """Return the network: {"first": images, "second": images} to flows by name.

    Images are (batch, height, width, 3), RGB, 0..255, of any size: `first` is the wide view as the
    homography shows it to the narrow camera, `second` the narrow one.
    Returned: "flow" (batch, height, width, 2), and coarser ones, "flow_64", "flow_32", "flow_16"
    and "flow_8" at that fraction of the size, rounded up; channels (x, y), float32, in pixels of
    their own map. The last is decided at 1/4 and enlarged bilinearly (layer `enlarged`, four times
    as large), then resized to the images. The flow is taken at the pixels of `second`, and the
    level's features are looked up at plus the flow.
    widths: channels of the images and of each level. output_level: index of the last estimator.
    swapped_flow_factors, aligned_sampling, search_range: see `FlowOptions`.
    normalised: bring images to the scale of ImageNet's weights first; False as published, where
        features of two images are alike wherever both are bright, and learning takes longer.
    """
    inputs = {name: keras.Input(input_shape, name=name) for name in ("first", "second")}
    images = dict(inputs)
    if normalised:
        images = {name: normalise(x, "rgb", f"{name}.normalise") for name, x in inputs.items()}
    options = FlowOptions(swapped_flow_factors, aligned_sampling, search_range)
    first, second = images["first"], images["second"]
    flows = flow_of_images(first, second, "", options, widths, output_level)
    return keras.Model(inputs, flows, name="pwcnet")


def pwcnet_mobilenet_v3(
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    widths: Sequence[int] = FEATURE_WIDTHS,
    swapped_flow_factors: bool = True,
    aligned_sampling: bool = True,
    search_range: int = SEARCH_RANGE,
) -> keras.Model:
    """Return the network: features of the wide view and the narrow image to flows by name.

    Inputs: "first_16", "first_8" and "first_4", features of the wide view as the homography shows
    it to the narrow camera, (batch, h, w, 112, 40 and 24 channels); "second", the narrow image
    (batch, height, width, 3), normalised.
    Returned: "flow" (batch, height, width, 2), and "flow_16", "flow_8" and "flow_4" at fractions of
    the image made a multiple of 32; see `pwcnet`. Here features are looked up at minus the flow.
    """
    firsts = [
        keras.Input((None, None, width), name=f"first_{stride}")
        # Coarse to fine, without the channels of the image and of 1/2.
        for stride, width in zip(STRIDES, widths[:1:-1], strict=True)
    ]
    second = keras.Input(input_shape, name="second")
    options = FlowOptions(swapped_flow_factors, aligned_sampling, search_range)
    flows = flow_of_features(firsts, second, "", options, widths)
    inputs = {tensor.name: tensor for tensor in (*firsts, second)}
    return keras.Model(inputs, flows, name="pwcnet_mobilenet_v3")


def flow_of_images(
    first: Tensor,
    second: Tensor,
    prefix: str,
    options: FlowOptions,
    widths: Sequence[int] = WIDTHS,
    output_level: int = OUTPUT_LEVEL,
) -> dict[str, Tensor]:
    """Return the flows that `pwcnet` returns, by layers whose names begin with `prefix`."""
    names = f"{prefix}feature_pyramid_extractor."
    pyramid = feature_pyramid(widths[0], widths[1:], names, "flow_pyramid")
    levels = list(zip(pyramid(first), pyramid(second), strict=True))[::-1]
    flow, flows, stride = _start(levels[0][0], prefix), {}, 2 ** len(levels)
    for number, (of_first, of_second) in enumerate(levels[: output_level + 1]):
        name = f"{prefix}FlowEstimator.Lv{number}"
        if number:
            stride //= 2
            flow = _resized(flow, of_first, "half_pixel", options, f"{name}.resized")
        flow = refine_flow(
            flow, of_first, of_second, name, 1, options.align_corners, options.search_range
        )
        flows[f"flow_{stride}"] = flow
    # The finest is returned at full size alone.
    finest = flows.pop(f"flow_{stride}")
    flow = EnlargeFlow(stride, name=f"{prefix}enlarged", dtype=full_precision())(finest)
    return {**flows, "flow": _resized(flow, second, "half_pixel", options, f"{prefix}flow")}


def flow_of_features(
    firsts: Sequence[Tensor],
    second: Tensor,
    prefix: str,
    options: FlowOptions,
    widths: Sequence[int] = FEATURE_WIDTHS,
) -> dict[str, Tensor]:
    """Return the flows that `pwcnet_mobilenet_v3` returns, by layers named from `prefix` on.

    firsts: features at 1/16, 1/8 and 1/4, resized bilinearly to the pyramid's sizes where they
        differ.
    """
    names = f"{prefix}feature_pyramid_extractor2."
    pyramid = feature_pyramid(widths[0], widths[1:], names, "flow_pyramid")
    resized = ResizeToMultiple(MULTIPLE, name=f"{prefix}second_of_multiple")(second)
    # Coarse to fine; at 1/2 there is no map of the wide view to compare with.
    levels = pyramid(resized)[:0:-1]
    flow, flows = _start(levels[0], prefix), {}
    for number, (of_first, of_second) in enumerate(zip(firsts, levels, strict=True)):
        name = f"{prefix}FlowEstimator.Lv{number}"
        if number:
            enlarge = EnlargeFlow(2, True, name=f"{name}.enlarged", dtype=full_precision())
            flow = enlarge(flow)
        of_first = ResizeLike(name=f"{name}.first")([of_first, of_second])
        flow = refine_flow(
            flow, of_first, of_second, name, -1, options.align_corners, options.search_range
        )
        flows[f"flow_{STRIDES[number]}"] = flow
    return {**flows, "flow": _resized(flow, second, True, options, f"{prefix}flow")}


def _start(like: Tensor, prefix: str) -> Tensor:
    return NoFlow(name=f"{prefix}no_flow", dtype=full_precision())(like)


def _resized(
    flow: Tensor, like: Tensor, align_corners: Corners, options: FlowOptions, name: str
) -> Tensor:
    """Return `flow` at the size of `like`, in its pixels."""
    resize = ResizeFlow(align_corners, options.swapped_factors, name=name, dtype=full_precision())
    return resize([flow, like])
