"""First weights of flow networks: every convolution's outputs on a batch with mean 0, variance 1.

With the published ones, Xavier's and positive biases, features of any two pixels are nearly alike
after a few levels, and their product tells nothing about which belong together.
Source: Mishkin and Matas 2016 (arXiv:1511.06422), layer-sequential unit variance.
"""

from typing import Any

import keras
import numpy as np

from roadseg.layers.introspection import innermost_layers

Tensor = Any
# What a level adds to the flow starts this small, in pixels, so that no level misleads the next.
FLOW_DEVIATION_PX = 0.01
_FLOW_CHANNELS = 2


def unit_variance(model: keras.Model, images: dict[str, Tensor], seed: int = 0) -> None:
    """Draw orthonormal kernels, scaled and with biases such that outputs on `images` are standard.

    One pass through the network is enough: each convolution is fitted when it is first called, to
    what those before it give by then. Convolutions to a flow start almost at none.
    """
    random = np.random.default_rng(seed)
    layers = [x for x in innermost_layers(model) if isinstance(x, keras.layers.Conv2D)]
    calls = {layer.name: layer.call for layer in layers}
    try:
        for layer in layers:
            layer.call = _fitting(layer, random)
        # Eagerly: a function compiled by Keras would not ask for the calls put in.
        model(images, training=False)
    finally:
        for layer in layers:
            layer.call = calls[layer.name]


def _fitting(layer: keras.layers.Conv2D, random: np.random.Generator) -> Any:
    """Return a call of `layer` that first sets its weights, once."""
    call, fitted = layer.call, False

    def fit(x: Tensor) -> Tensor:
        nonlocal fitted
        if not fitted:
            layer.kernel.assign(orthonormal(tuple(layer.kernel.shape), random))
            layer.bias.assign(np.zeros(layer.filters))
            y = np.asarray(call(x), np.float64)
            wanted = FLOW_DEVIATION_PX if layer.filters == _FLOW_CHANNELS else 1.0
            scale = wanted / np.maximum(y.std(axis=(0, 1, 2)), 1e-6)
            layer.kernel.assign(np.asarray(layer.kernel) * scale)
            layer.bias.assign(-y.mean(axis=(0, 1, 2)) * scale)
            fitted = True
        return call(x)

    return fit


def orthonormal(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Return a kernel whose filters are orthonormal as far as there are inputs for them, float32.

    Source: Saxe et al. 2014 (arXiv:1312.6120).
    """
    values = random.standard_normal((int(np.prod(shape[:-1])), shape[-1]))
    tall = values.shape[0] >= values.shape[1]
    q, _ = np.linalg.qr(values if tall else values.T)
    return (q if tall else q.T).reshape(shape).astype(np.float32)
