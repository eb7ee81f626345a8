"""What networks of two cameras share: images in by view, logits out by view, and the parts between.

Paper: Xiang et al. 2019 (arXiv:1909.07038).
Source: zhenzhenxiang/SemanticsSharing, commit 9fc1fde; for research alone: only what it computes
was described, nothing is copied.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import keras

from roadseg.errors import RoadsegError
from roadseg.layers.homography import WarpByHomography
from roadseg.layers.normalisation import Normalisation, denormalise, normalise
from roadseg.layers.precision import full_precision
from roadseg.layers.resize import ResizeBy, ResizeLike
from roadseg.two_cameras.rig import Convention, Rig, Size, View

Tensor = Any
CAMERAS = ("wide", "narrow")
"""Names of inputs and logits, in the order of the original's pairs."""
NORMALISATION: Normalisation = "rgb"
PARTS = {
    "backbone": ("pretrained.",),
    "head": ("head.",),
    "flow": ("flow_Network.",),
    "fusion_narrow": ("FFM_60.",),
    "fusion_wide": ("FFM_120.",),
}
"""How the names of layers begin that are trained, left as they are or loaded as one."""
INTERMEDIATE = {
    "logits_16": "head.project",
    "flow": "flow_Network.flow",
    "wide_in_narrow": "wide_in_narrow",
    "narrow_in_wide": "narrow_in_wide",
    "fused_wide": "fused_wide",
    "fused_narrow": "fused_narrow",
}
"""What a coupled network computes on its way, and the layer that gives it; see `intermediate`."""


@dataclass(frozen=True)
class Views:
    """Something of each view, in the order of `CAMERAS`."""

    wide: Any
    narrow: Any


@dataclass(frozen=True)
class Geometry:
    """The rig, and how its homography is used; see the builders of the coupled networks."""

    rig: Rig
    convention: Convention = "semantics_sharing"
    align_corners: bool = True

    def warp(
        self,
        maps: Tensor,
        into: View,
        name: str,
        one_scale: bool = False,
        size: Size | None = None,
        rows_short: int = 0,
    ) -> Tensor:
        """Return `maps` of one view as the view `into` sees them, by a layer `name`.

        one_scale: scale intrinsics by the width alone, unless the convention is the corrected one.
        size, rows_short: see `WarpByHomography`.
        """
        cameras = [self.rig.wide, self.rig.narrow]
        target, source = cameras if into == "wide" else cameras[::-1]
        native = [(camera.height, camera.width) for camera in (target, source)]
        published = self.convention == "semantics_sharing"
        return WarpByHomography(
            # As lists, which the layer's saved configuration can hold.
            self.rig.sampling_matrix(into, self.convention).tolist(),
            size,
            rows_short,
            native if one_scale and published else None,
            self.align_corners,
            name=name,
        )(maps)


def view_inputs(
    input_shape: tuple[int | None, int | None, int], include_preprocessing: bool
) -> tuple[Views, Views]:
    """Return the inputs "wide" and "narrow", and the same normalised.

    Images are RGB, 0..255, or normalised already without `include_preprocessing`.
    """
    images = Views(*(keras.Input(input_shape, name=view) for view in CAMERAS))
    if not include_preprocessing:
        return images, images
    normalised = (
        normalise(getattr(images, view), NORMALISATION, f"{view}.normalise") for view in CAMERAS
    )
    return images, Views(*normalised)


def as_bytes(images: Tensor, name: str) -> Tensor:
    """Return normalised images as 0..255 again; what was outside of a view becomes mean grey."""
    return denormalise(images, NORMALISATION, name)


def shrink(images: Tensor, scale: float, name: str) -> Tensor:
    """Return `images` at `scale` of their size, sides truncated, bilinearly with aligned corners.

    scale: a decimal fraction, above 0, at most 1. Raises RoadsegError for another.
    """
    if not 0 < scale <= 1:
        raise RoadsegError(f"scale={scale}: flow and fusion run above 0, at most 1 of the size")
    # Integers, so that 2/5 of 1280 is 512 whatever 0.4 is in binary.
    ratio = Fraction(str(scale)).limit_denominator(1000)
    layer = ResizeBy(ratio.numerator, ratio.denominator, name=name, dtype=full_precision())
    return layer(images)


def shared(build: Callable[[Tensor], Any], channels: int, name: str) -> keras.Model:
    """Return what `build` makes of maps of any size as a model, for one set of weights twice.

    Several outputs come as a list.
    """
    maps = keras.Input((None, None, channels), dtype=full_precision())
    outputs = build(maps)
    return keras.Model(maps, list(outputs) if isinstance(outputs, tuple) else outputs, name=name)


def two_view_model(images: Views, logits: Views, name: str) -> keras.Model:
    """Return the network from both images to both maps of logits, each at the size of its image.

    Layers: `output.wide` and `output.narrow`.
    """
    inputs, outputs = {}, {}
    for view in CAMERAS:
        inputs[view] = getattr(images, view)
        enlarge = ResizeLike(name=f"output.{view}", dtype=full_precision())
        outputs[view] = enlarge([getattr(logits, view), inputs[view]])
    return keras.Model(inputs, outputs, name=name)


def intermediate(model: keras.Model) -> keras.Model:
    """Return `model`, a coupled network, with what it computes on the way as further outputs.

    Beside "wide" and "narrow": "logits_16", the wide view's own logits at 1/16; "flow" (x, y),
    pixels of its own map, taken at the narrow view's pixels; "wide_in_narrow", the wide view's
    logits as they reach the narrow one; "fused_narrow"; "narrow_in_wide", what goes back; and
    "fused_wide". Sizes are those the network fuses at. The weights are those of `model`.
    """
    parts = {name: model.get_layer(layer).output for name, layer in INTERMEDIATE.items()}
    outputs: Mapping[str, Tensor] = model.output
    return keras.Model(model.input, {**outputs, **parts}, name=f"{model.name}_intermediate")
