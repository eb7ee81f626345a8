"""Kernels in another framework's axis order, brought to Keras's."""

import keras
import numpy as np


def from_pytorch(
    values: np.ndarray, variable: keras.Variable, layer: keras.layers.Layer
) -> np.ndarray:
    """Return a PyTorch parameter in the layout of `variable`, which belongs to `layer`.

    Kernels of convolutions (O, I, h, w), and of transposed ones (I, O, h, w), become
    (h, w, I, O) and (h, w, O, I); depthwise ones (C M, 1, h, w) become (h, w, C, M); dense ones
    (O, I) become (I, O). Anything else keeps its axes, those of length 1 present or not (PReLU's
    slopes). Raises ValueError for another shape than the parameter has in PyTorch.
    """
    shape = tuple(variable.shape)
    as_here = variable.name != "kernel" and values.shape == shape
    if not as_here and values.shape != pytorch_shape(variable, layer):
        raise ValueError(f"{variable.path}: {values.shape} does not fit {shape}")
    if variable.name == "kernel":
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            values = values.reshape(*shape[2:], *shape[:2]).transpose(2, 3, 0, 1)
        elif isinstance(layer, keras.layers.Dense):
            values = values.T
        else:
            values = values.transpose(2, 3, 1, 0)
    return np.ascontiguousarray(values.reshape(shape))


def pytorch_shape(variable: keras.Variable, layer: keras.layers.Layer) -> tuple[int, ...]:
    """Return the shape that `variable`, which belongs to `layer`, has in PyTorch."""
    shape = tuple(variable.shape)
    if variable.name != "kernel":
        return tuple(side for side in shape if side > 1) or (1,)
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return (shape[2] * shape[3], 1, *shape[:2])
    return (*shape[:1:-1], *shape[:2]) if len(shape) == 4 else shape[::-1]
