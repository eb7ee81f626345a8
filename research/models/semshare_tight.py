"""Semantics Sharing, tightly coupled: the flow network starts from the backbone's own features.

Paper: Xiang et al. 2019 (arXiv:1909.07038).
Source: zhenzhenxiang/SemanticsSharing, commit 9fc1fde, model mode `mobilenetv3_tightly`; see
`two_cameras`.
Changed: sizes follow from the images. For 1216 x 1920 they are those that the code has fixed;
`fixed_sizes` fixes them for others.
"""

from collections.abc import Sequence
from pathlib import Path

import keras

from roadseg.backbones.mobilenet_v3 import coarse_stages, fine_stages
from roadseg.backbones.pwc import SEARCH_RANGE
from roadseg.errors import RoadsegError
from roadseg.layers.camera_fusion import Kind, fuse_narrow, fuse_wide
from roadseg.layers.flow import WarpByFlow
from roadseg.layers.light_aspp import Pooling, light_aspp
from roadseg.layers.normalisation import SizeRange
from roadseg.layers.resize import ResizeLike
from roadseg.models.pwcnet import FlowOptions, flow_of_features
from roadseg.models.two_cameras import (
    Geometry,
    Tensor,
    Views,
    shared,
    shrink,
    two_view_model,
    view_inputs,
)
from roadseg.two_cameras.rig import Convention, Rig, find_rig

# What the code's constants make of 1216 x 1920, the truncated one row short at 1/8 and 1/4: maps
# from 1/16 to 1/4, and logits. They suit images whose flow network works at 512 x 768.
FIXED_FEATURES = ((76, 120), (151, 240), (303, 480))
FIXED_LOGITS = (486, 768)
FIXED_SCALE = 0.4
FIXED_HEIGHTS, FIXED_WIDTHS = (1203, 1282), (1843, 1922)
ROWS_SHORT = (0, 1, 1)


def semshare_tight(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    rig: Rig | Path | str | None = None,
    scale: float = FIXED_SCALE,
    pooling: Pooling = "windows",
    narrow_fusion: Kind = "res",
    wide_fusion: Kind = "res131",
    geometry: Convention = "semantics_sharing",
    fixed_sizes: bool = False,
    swapped_flow_factors: bool = True,
    aligned_sampling: bool = True,
    search_range: int = SEARCH_RANGE,
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: {"wide": images, "narrow": images} to logits by view.

    Images, logits and options as in `semshare_loose`, but that logits are fused at 1/8, that
    `scale` is the size at which the flow is given, by the narrow image, and two more:
    geometry: "semantics_sharing" has maps at 1/8 and 1/4 lose their last row in the warp, and -1
        and 1 half a pixel off the middle of the outermost pixels; "corrected" does neither.
    fixed_sizes: warp to the sizes that suit 1216 x 1920, as the code does whatever the images are;
        they have to be 1203 to 1282 high and 1843 to 1922 wide.
    Raises RoadsegError also for other images or another scale with `fixed_sizes`.
    """
    if fixed_sizes and scale != FIXED_SCALE:
        raise RoadsegError(f"scale={scale}: fixed_sizes=True belongs to {FIXED_SCALE} alone")
    images, views = view_inputs(input_shape, include_preprocessing)
    if fixed_sizes:
        views = Views(*(_of_fixed_size(view) for view in (views.wide, views.narrow)))
    places = Geometry(find_rig(rig), geometry, aligned_sampling)
    size = FIXED_LOGITS if fixed_sizes else None
    fine = shared(fine_stages, input_shape[2], "fine_stages")
    c0, c1 = fine(views.wide)
    c2, c4 = coarse_stages(c1)
    features = fine(views.narrow)[1]
    logits = ResizeLike(name="wide.logits")([light_aspp(c4, num_classes, pooling), c1])
    small = shrink(views.narrow, scale, "narrow.small")
    seen = _features_seen((c2, c1, c0), places, fixed_sizes)
    options = FlowOptions(swapped_flow_factors, aligned_sampling, search_range)
    flow = flow_of_features(seen, small, "flow_Network.", options)["flow"]

    x = ResizeLike(name="wide.logits_small")([logits, small])
    x = places.warp(x, "narrow", "wide.logits_seen", size=size)
    x = WarpByFlow(-1, aligned_sampling, name="wide.logits_moved")([x, flow])
    x = ResizeLike(name="wide_in_narrow")([x, features])
    narrow = fuse_narrow(features, x, logits_first=False, kind=narrow_fusion)
    # A name for `two_cameras.intermediate` to find the map by.
    narrow = keras.layers.Identity(name="fused_narrow")(narrow)
    x = ResizeLike(name="narrow.logits_small")([narrow, small])
    x = WarpByFlow(1, aligned_sampling, name="narrow.logits_moved")([x, flow])
    x = places.warp(x, "wide", "narrow.logits_seen", size=size)
    x = ResizeLike(name="narrow_in_wide")([x, c1])
    wide = keras.layers.Identity(name="fused_wide")(fuse_wide(logits, x, kind=wide_fusion))
    return two_view_model(images, Views(wide, narrow), "semshare_tight")


def _features_seen(maps: Sequence[Tensor], places: Geometry, fixed_sizes: bool) -> list[Tensor]:
    """Return the wide view's maps at 1/16, 1/8 and 1/4 as the narrow camera sees them."""
    seen = []
    for index, x in enumerate(maps):
        size = FIXED_FEATURES[index] if fixed_sizes else None
        rows_short = ROWS_SHORT[index] if places.convention == "semantics_sharing" else 0
        name = f"wide.features_seen.{index}"
        seen.append(places.warp(x, "narrow", name, size=size, rows_short=rows_short))
    return seen


def _of_fixed_size(images: Tensor) -> Tensor:
    hint = "leave out fixed_sizes"
    return SizeRange(FIXED_HEIGHTS, FIXED_WIDTHS, hint, name=f"{images.name}.size")(images)
