"""Semantics Sharing, loosely coupled: a flow network of its own compares the two shrunk images.

Paper: Xiang et al. 2019 (arXiv:1909.07038).
Source: zhenzhenxiang/SemanticsSharing, commit 9fc1fde, model mode `mobilenetv3_loosely`; see
`two_cameras`.
Changed: the narrow view stops after the second stage, where the code runs the whole backbone and
throws the rest away. In training that code lets both cameras' images move the batch statistics of
stages 3 to 5; here the wide view's alone do.
"""

from pathlib import Path

import keras

from roadseg.backbones.mobilenet_v3 import coarse_stages, fine_stages
from roadseg.backbones.pwc import SEARCH_RANGE
from roadseg.layers.camera_fusion import Kind, fuse_narrow, fuse_wide
from roadseg.layers.flow import WarpByFlow
from roadseg.layers.light_aspp import Pooling, light_aspp
from roadseg.layers.precision import full_precision
from roadseg.layers.resize import ResizeLike
from roadseg.models.pwcnet import FlowOptions, flow_of_images
from roadseg.models.two_cameras import (
    Geometry,
    Tensor,
    Views,
    as_bytes,
    shared,
    shrink,
    two_view_model,
    view_inputs,
)
from roadseg.two_cameras.rig import Convention, Rig, find_rig


def semshare_loose(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    rig: Rig | Path | str | None = None,
    scale: float = 0.4,
    pooling: Pooling = "windows",
    narrow_fusion: Kind = "res",
    wide_fusion: Kind = "res131",
    geometry: Convention = "semantics_sharing",
    swapped_flow_factors: bool = True,
    aligned_sampling: bool = True,
    search_range: int = SEARCH_RANGE,
    normalised_flow: bool = False,
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: {"wide": images, "narrow": images} to logits by view.

    Images are RGB, 0..255, (batch, height, width, 3), each camera's whole picture, whatever size
    it was made; without `include_preprocessing` already normalised. Logits are float32, at the
    size of each image; they are decided at `scale` and enlarged bilinearly with aligned corners.
    rig: a `Rig`, a rig file, or its text; None for the published one.
    scale: size at which flow is computed and logits are fused; the wide image's decides.
    pooling: of the head; see `mobilenet_v3_large`, and for the sizes that go with it.
    narrow_fusion, wide_fusion: see `layers.camera_fusion`.
    geometry: "semantics_sharing" scales intrinsics by the width alone, and has -1 and 1 half a
        pixel off the middle of the outermost pixels; "corrected" does neither.
    swapped_flow_factors, aligned_sampling, search_range: see `pwcnet.FlowOptions`; the second is
        of every look-up.
    normalised_flow: let the flow network see normalised images, as `pwcnet` with `normalised` does;
        False as published: 0..255.
    Raises RoadsegError for a rig file that is none, or images too small for the head.
    """
    images, views = view_inputs(input_shape, include_preprocessing)
    places = Geometry(find_rig(rig), geometry, aligned_sampling)
    fine = shared(fine_stages, input_shape[2], "fine_stages")
    c1, features = fine(views.wide)[1], fine(views.narrow)[1]
    small_wide = shrink(views.wide, scale, "wide.small")
    resize = ResizeLike(name="narrow.small", dtype=full_precision())
    small = Views(small_wide, resize([views.narrow, small_wide]))
    logits = light_aspp(coarse_stages(c1).c4, num_classes, pooling)
    logits = ResizeLike(name="wide.logits")([logits, small_wide])
    features = ResizeLike(name="narrow.features")([features, small_wide])
    options = FlowOptions(swapped_flow_factors, aligned_sampling, search_range)
    flow = _flow(small, places, options, normalised_flow)

    x = places.warp(logits, "narrow", "wide.logits_seen", one_scale=True)
    x = WarpByFlow(-1, aligned_sampling, name="wide_in_narrow")([x, flow])
    narrow = fuse_narrow(features, x, logits_first=True, kind=narrow_fusion)
    # A name for `two_cameras.intermediate` to find the map by.
    narrow = keras.layers.Identity(name="fused_narrow")(narrow)
    x = WarpByFlow(1, aligned_sampling, name="narrow.logits_moved")([narrow, flow])
    x = places.warp(x, "wide", "narrow_in_wide", one_scale=True)
    wide = keras.layers.Identity(name="fused_wide")(fuse_wide(logits, x, kind=wide_fusion))
    return two_view_model(images, Views(wide, narrow), "semshare_loose")


def _flow(small: Views, places: Geometry, options: FlowOptions, normalised: bool) -> Tensor:
    """Return the flow between the wide view, as the narrow camera sees it, and the narrow one."""
    first, second = places.warp(small.wide, "narrow", "wide.seen", one_scale=True), small.narrow
    if not normalised:
        first, second = as_bytes(first, "flow.first"), as_bytes(second, "flow.second")
    return flow_of_images(first, second, "flow_Network.", options)["flow"]
