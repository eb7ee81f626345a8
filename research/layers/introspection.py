"""Finds the layers and weights inside a network, nested models included."""

from collections.abc import Iterator

import keras

DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)


def innermost_layers(model: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """Yield each layer with weights or work of its own once, nested models' layers included."""
    # `model.layers` stops at nested models; Keras has no public way into them.
    for layer in model._flatten_layers():
        if not isinstance(layer, (keras.Model, keras.layers.InputLayer)):
            yield layer


def own_weights(layer: keras.layers.Layer) -> list[keras.Variable]:
    """Return a layer's weights and running statistics, without those of layers inside it.

    Frozen or not makes no difference; the state of random generators is not among them.
    """
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def weights(model: keras.layers.Layer) -> dict[str, tuple[keras.layers.Layer, keras.Variable]]:
    """Return each weight and running statistic by its path, with the layer it belongs to.

    Raises ValueError when two weights share a path (two networks in one model, names alike).
    """
    found: dict[str, tuple[keras.layers.Layer, keras.Variable]] = {}
    for layer in model._flatten_layers():
        for variable in own_weights(layer):
            if variable.path in found:
                raise ValueError(f"two weights are called {variable.path}; name the layers apart")
            found[variable.path] = (layer, variable)
    return found


def count_parameters(model: keras.layers.Layer) -> int:
    """Return how many values training can change, in frozen layers too."""
    own = (variable for layer in model._flatten_layers() for variable in layer._trainable_variables)
    # By identity: what two layers share counts once.
    return sum(int(keras.ops.size(variable)) for variable in {id(v): v for v in own}.values())
