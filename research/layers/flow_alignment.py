"""Semantic flow: a coarse map is moved onto a fine one along a flow that both decide.

Papers: Li et al. 2020, SFNet (arXiv:2002.10120), section 3.2; Li et al. 2023, SFNet-Lite
(arXiv:2207.04415), for two flows and a gate.
Source: lxtGH/SFSegNets, commit ba475ba (MIT), whose names the layers bear.
"""

from typing import Any, Literal

import keras
from keras import ops

from roadseg.layers.convolution import activate, conv
from roadseg.layers.flow_warp import FlowWarp
from roadseg.layers.resize import ResizeLike

Tensor = Any
Shape = tuple[int | None, ...]
Gate = Literal["pooled", "convolution"]
GATES = ("pooled", "convolution")


def flow_alignment(fine: Tensor, coarse: Tensor, name: str, align_corners: bool = True) -> Tensor:
    """Return `coarse` at the size of `fine`, warped along one flow (FAM).

    fine, coarse: (batch, height, width, channels), as many channels each. `fine` only decides
        where to look; nothing of it is added.
    align_corners: of the warp; see `ops.warp.flow_warp`.
    Layers: `name.down_h` and `.down_l`, 1x1 to half the channels, and `.flow_make`, 3x3 to 2.
    """
    projected = _projected(fine, coarse, name)
    flow = conv(_joined(projected, name), 2, 3, f"{name}.flow_make")
    return FlowWarp(align_corners, name=f"{name}.warped")([coarse, flow])


def gated_flow_alignment(
    fine: Tensor,
    coarse: Tensor,
    name: str,
    gate: Gate = "pooled",
    align_corners: bool = True,
) -> Tensor:
    """Return both maps at the size of `fine`, each warped along a flow of its own, in a blend.

    fine, coarse: (batch, height, width, channels), as many channels each.
    gate: what decides each pixel's share of the coarse map. "pooled": mean and maximum over the
        channels of the projected coarse map and of the fine map itself, as the published networks
        have it; "convolution": the projected maps that decide the flows.
    align_corners: of the warps; see `ops.warp.flow_warp`.
    Layers: as in `flow_alignment`, with `.flow_make` to 4 (coarse, then fine), and
        `.flow_gate.0`, 3x3 to 1.
    Raises ValueError for another gate.
    """
    if gate not in GATES:
        raise ValueError(f"gate={gate!r}; there are {' and '.join(GATES)}")
    projected = _projected(fine, coarse, name)
    joined = _joined(projected, name)
    flow = conv(joined, 4, 3, f"{name}.flow_make")
    maps = []
    for channels, image, kind in (((0, 2), coarse, "coarse"), ((2, 4), fine, "fine")):
        own = ChannelSlice(*channels, name=f"{name}.flow_{kind}")(flow)
        maps.append(FlowWarp(align_corners, name=f"{name}.warped_{kind}")([image, own]))
    if gate == "pooled":
        joined = ChannelMeanAndMaximum(name=f"{name}.pooled")([projected[0], fine])
    share = conv(joined, 1, 3, f"{name}.flow_gate.0")
    share = activate(share, f"{name}.flow_gate.1", "sigmoid")
    return Blend(name=f"{name}.blend")([*maps, share])


def _projected(fine: Tensor, coarse: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Return the projections of `coarse`, enlarged, and of `fine`, half the channels each."""
    filters = coarse.shape[-1] // 2
    from_coarse = conv(coarse, filters, 1, f"{name}.down_h")
    from_fine = conv(fine, filters, 1, f"{name}.down_l")
    return ResizeLike(name=f"{name}.up")([from_coarse, from_fine]), from_fine


def _joined(maps: tuple[Tensor, Tensor], name: str) -> Tensor:
    return keras.layers.Concatenate(name=f"{name}.concatenated")(list(maps))


@keras.saving.register_keras_serializable("roadseg")
class ChannelSlice(keras.layers.Layer):
    """Takes some neighbouring channels of a map."""

    def __init__(self, first: int, end: int, **kwargs: Any) -> None:
        """Keep the first channel and the one after the last."""
        super().__init__(**kwargs)
        self.first = first
        self.end = end

    def call(self, x: Tensor) -> Tensor:
        """Return (batch, height, width, end - first)."""
        return x[..., self.first : self.end]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with fewer channels."""
        return (*input_shape[:-1], self.end - self.first)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "first": self.first, "end": self.end}


@keras.saving.register_keras_serializable("roadseg")
class ChannelMeanAndMaximum(keras.layers.Layer):
    """Reduces maps of one size to their mean and their maximum over the channels."""

    def call(self, maps: list[Tensor]) -> Tensor:
        """Return (batch, height, width, 2 n): the n maps' means, then their maxima."""
        means = [ops.mean(x, axis=-1, keepdims=True) for x in maps]
        maxima = [ops.max(x, axis=-1, keepdims=True) for x in maps]
        return ops.concatenate([*means, *maxima], axis=-1)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the first shape with two channels a map."""
        return (*input_shape[0][:-1], 2 * len(input_shape))


@keras.saving.register_keras_serializable("roadseg")
class Blend(keras.layers.Layer):
    """Blends two maps, pixel by pixel."""

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return [first, second, share]'s share of the first plus the rest of the second.

        first, second: (batch, height, width, channels). share: (batch, height, width, 1), 0..1.
        """
        first, second, share = inputs
        return share * first + (1 - share) * second

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the shape of the maps."""
        return input_shape[0]
