"""The warp along a learned flow as a layer, for networks whose height and width are not known."""

from typing import Any

import keras

from roadseg.ops.warp import flow_warp

Tensor = Any
Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("roadseg")
class FlowWarp(keras.layers.Layer):
    """Looks its first input up where its second, a flow field of another size, points."""

    def __init__(self, align_corners: bool = True, **kwargs: Any) -> None:
        """Keep the convention; see `ops.warp.flow_warp`. Raises ValueError where it is no bool."""
        super().__init__(**kwargs)
        if not isinstance(align_corners, bool):
            raise ValueError(f"align_corners={align_corners!r}; a flow warp takes True or False")
        self.align_corners = align_corners

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return inputs[0] (B, h, w, C) as (B, H, W, C), for a flow inputs[1] of (B, H, W, 2)."""
        images, flow_xy = inputs
        return flow_warp(images, flow_xy, self.align_corners)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the first shape with the second's height and width."""
        images, flow = input_shape
        return (images[0], flow[1], flow[2], images[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "align_corners": self.align_corners}
