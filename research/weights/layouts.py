"""Kernels in another framework's axis order, brought to Keras's."""

import keras
import numpy as np


def from_pytorch(
    values: np.ndarray, variable: keras.Variable, layer: keras.layers.Layer
) -> np.ndarray:
    """Return a PyTorch parameter in the layout of `variable`, which belongs to `layer`.

    Kernels of convolutions (O, I, h, w), and of transposed ones (I, O, h, w), become
    (h, w, I, O) and (h, w, O, I); depthwise ones (C M, 1, h, w) become (h, w, C, M); dense ones
    (O, I) become (I, O). Anything else keeps its axes and is reshaped (PReLU's slopes).
    Raises ValueError when the number of values differs or a kernel's sides do.
    """
    shape = tuple(variable.shape)
    if variable.name == "kernel":
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            values = values.reshape(*shape[2:], *values.shape[2:]).transpose(2, 3, 0, 1)
        elif isinstance(layer, keras.layers.Dense):
            values = values.T
        else:
            values = values.transpose(2, 3, 1, 0)
        if values.shape != shape:
            raise ValueError(f"{variable.path}: {values.shape} does not fit {shape}")
    return np.ascontiguousarray(values.reshape(shape))
