"""The light ASPP head: one projection of the last map, weighed by averages over large windows.

Paper: Howard et al. 2019 (arXiv:1905.02244), section 6.4; here without its high-resolution skip.
Source: zhenzhenxiang/SemanticsSharing, commit 9fc1fde, after Tramac/Lightweight-Segmentation.
"""

from typing import Any, Literal

import keras

from roadseg.errors import RoadsegError
from roadseg.layers.convolution import activate, conv, conv_norm, xavier
from roadseg.layers.introspection import innermost_layers
from roadseg.layers.pooling import AdaptiveAveragePooling
from roadseg.layers.resize import ResizeLike

Tensor = Any
Shape = tuple[int | None, ...]
Pooling = Literal["windows", "whole"]
STRIDE = 16
WINDOW = 49
LEAST_SIDE = STRIDE * (WINDOW - 1) + 1
"""Least height and width of an image whose map at 1/16 holds one window: 769."""
FILTERS = 128


def light_aspp(
    x: Tensor, num_classes: int, pooling: Pooling = "windows", name: str = "head"
) -> Tensor:
    """Return class logits (batch, height, width, num_classes) of a map at 1/16, at its size.

    pooling: what the averages are taken over. "windows": 49 x 49 positions, every 16 rows and 20
        columns, none that reach out of the map, as in the code; "whole": the map, of any size.
    Layers: `name.lr_aspp.b0.0`, `.b0.1`, `.b1.1`, and `name.project`, whose output is returned.
    Raises RoadsegError where a window does not fit, ValueError for another kind of pooling.
    """
    b0 = (f"{name}.lr_aspp.b0.0", f"{name}.lr_aspp.b0.1")
    features = conv_norm(x, FILTERS, 1, b0, initializer=xavier())
    b1 = f"{name}.lr_aspp.b1"
    share = _pooled(x, pooling, f"{b1}.0")
    share = conv(share, FILTERS, 1, f"{b1}.1", initializer=xavier())
    share = activate(share, f"{b1}.2", "sigmoid")
    share = ResizeLike(name=f"{b1}.up")([share, x])
    x = keras.layers.Multiply(name=f"{name}.product")([features, share])
    zeros = keras.initializers.Zeros()
    return conv(
        x,
        num_classes,
        1,
        f"{name}.project",
        use_bias=True,
        initializer=xavier(),
        bias_initializer=zeros,
    )


def least_image_side(model: keras.Model) -> int:
    """Return the least height and width of the images that the head of `model` takes."""
    heads = (layer for layer in innermost_layers(model) if isinstance(layer, WindowPooling))
    return LEAST_SIDE if any(True for _ in heads) else 1


def _pooled(x: Tensor, pooling: Pooling, name: str) -> Tensor:
    if pooling == "windows":
        return WindowPooling(name=name)(x)
    if pooling == "whole":
        return AdaptiveAveragePooling(1, name=name)(x)
    raise ValueError(f"pooling={pooling!r}; there are 'windows' and 'whole'")


@keras.saving.register_keras_serializable("roadseg")
class WindowPooling(keras.layers.AveragePooling2D):
    """Averages windows of 49 x 49, every 16 rows and 20 columns, that lie inside the map."""

    def __init__(self, **kwargs: Any) -> None:
        """Take the window and the strides as the original has them."""
        # A saved configuration holds these two as well, since Keras's layer writes them.
        super().__init__(**{**kwargs, "pool_size": WINDOW, "strides": (16, 20)})

    def call(self, x: Tensor) -> Tensor:
        """Return (batch, rows, columns, channels); raise RoadsegError where no window fits."""
        self._check(tuple(x.shape))
        return super().call(x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape after pooling, or raise RoadsegError as `call` does."""
        self._check(input_shape)
        return super().compute_output_shape(input_shape)

    def _check(self, shape: Shape) -> None:
        for side, axis in zip(shape[1:3], ("height", "width"), strict=True):
            if side is not None and side < WINDOW:
                raise RoadsegError(
                    f"image {axis} {STRIDE * side} or less: this head averages {WINDOW} x {WINDOW} "
                    f"positions at 1/{STRIDE}, which need images of {LEAST_SIDE} x {LEAST_SIDE} "
                    "or more; give larger images, or train with pooling='whole'"
                )
