"""Optical flow as layers: cost volumes, warps and resizes of fields with channels (x, y), pixels.

Fields and positions stay in full precision under every policy: float16 would round whole pixels.
"""

from typing import Any

import keras
from keras import ops

from roadseg.ops.correlation import cost_volume
from roadseg.ops.flow import resize_flow, warp_by_flow
from roadseg.ops.resize import Corners

Tensor = Any
Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("roadseg")
class CostVolume(keras.layers.Layer):
    """Compares each pixel of a map with its neighbours in another one.

    Give it full precision: products of features outgrow float16 before they are averaged.
    """

    def __init__(self, search_range: int = 4, **kwargs: Any) -> None:
        """Keep the largest displacement in pixels."""
        super().__init__(**kwargs)
        self.search_range = search_range

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return (batch, height, width, (2 search_range + 1)^2); see `ops.correlation`."""
        first, second = inputs
        return cost_volume(first, second, self.search_range)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the first map's shape with a channel for each displacement."""
        return (*input_shape[0][:3], (2 * self.search_range + 1) ** 2)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "search_range": self.search_range}


@keras.saving.register_keras_serializable("roadseg")
class WarpByFlow(keras.layers.Layer):
    """Looks its first input up at every pixel plus or minus its second, a flow."""

    def __init__(self, sign: int = 1, align_corners: bool = True, **kwargs: Any) -> None:
        """Keep the sign, 1 or -1, and the convention; see `ops.flow.warp_by_flow`."""
        # Autocast would round the flow as well; `call` casts the maps alone.
        super().__init__(autocast=False, **kwargs)
        self.sign = sign
        self.align_corners = align_corners

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return inputs[0] (B, h, w, C) as (B, H, W, C), for a flow inputs[1] of (B, H, W, 2)."""
        maps, flow_xy_px = inputs
        maps = ops.cast(maps, self.compute_dtype)
        return warp_by_flow(maps, flow_xy_px, self.sign, self.align_corners)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the first shape with the second's height and width."""
        maps, flow = input_shape
        return (maps[0], flow[1], flow[2], maps[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"sign": self.sign, "align_corners": self.align_corners}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("roadseg")
class ResizeFlow(keras.layers.Layer):
    """Resizes a flow to the height and width of another map, its values in pixels of that."""

    def __init__(
        self, align_corners: Corners = "half_pixel", swapped: bool = True, **kwargs: Any
    ) -> None:
        """Keep the convention, and which channel grows by which side; see `ops.flow`."""
        super().__init__(**kwargs)
        self.align_corners = align_corners
        self.swapped = swapped

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return the flow inputs[0] (B, h, w, 2) as (B, H, W, 2), for inputs[1] of (B, H, W, C)."""
        flow_xy_px, like = inputs
        size = tuple(ops.shape(like)[1:3])
        return resize_flow(flow_xy_px, size, self.align_corners, self.swapped)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the flow's shape with the other map's height and width."""
        flow, like = input_shape
        return (flow[0], like[1], like[2], 2)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"align_corners": self.align_corners, "swapped": self.swapped}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("roadseg")
class EnlargeFlow(keras.layers.Layer):
    """Enlarges a flow and its values by a whole number."""

    def __init__(self, factor: int, align_corners: Corners = "half_pixel", **kwargs: Any) -> None:
        """Keep the number and the convention."""
        super().__init__(**kwargs)
        self.factor = factor
        self.align_corners = align_corners

    def call(self, flow_xy_px: Tensor) -> Tensor:
        """Return (batch, factor height, factor width, 2) for (batch, height, width, 2)."""
        height, width = ops.shape(flow_xy_px)[1:3]
        size = (self.factor * height, self.factor * width)
        return resize_flow(flow_xy_px, size, self.align_corners)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape after enlarging."""
        sides = [side and self.factor * side for side in input_shape[1:3]]
        return (input_shape[0], *sides, 2)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"factor": self.factor, "align_corners": self.align_corners}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("roadseg")
class NoFlow(keras.layers.Layer):
    """Starts a flow: zero everywhere, of the size of a map."""

    def call(self, like: Tensor) -> Tensor:
        """Return (batch, height, width, 2) zeros for (batch, height, width, channels)."""
        return ops.zeros((*ops.shape(like)[:3], 2), self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape with two channels."""
        return (*input_shape[:3], 2)
