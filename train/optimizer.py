"""SGD with momentum as TensorFlow 1 computed it, and the published rules for decay and biases.

Keras's SGD multiplies the gradient by the rate before it enters the momentum, TensorFlow 1 after;
under a falling rate the two differ, so the update is written out here.
"""

from typing import Any

import keras
import tensorflow as tf

from roadseg.recipe import Recipe

Tensor = Any
OUTPUT_LAYERS = ("logits", "shifts")


class Momentum:
    """v := momentum v + g;  w := w - rate v, with averages of the weights on the side."""

    def __init__(self, model: keras.Model, recipe: Recipe):
        """Make the slots of every trainable weight; call it in the strategy's scope."""
        self.recipe = recipe
        self.names = [variable.path for variable in model.trainable_variables]
        self.variables = [variable.value for variable in model.trainable_variables]
        self.decays = [weight_decay(model, name, recipe.weight_decay) for name in self.names]
        self.factors = [gradient_factor(name, recipe.bias_gradient_factor) for name in self.names]
        self.slots = [_beside(variable, tf.zeros_like(variable)) for variable in self.variables]
        self.averages = []
        if recipe.ema:
            self.averages = [_beside(variable, variable) for variable in self.variables]

    def apply(self, gradients: list[Tensor], rate: Tensor, finite: Tensor | None = None) -> None:
        """Update every weight with gradients already summed over replicas (cross-replica context).

        finite: a boolean; where it is false nothing changes (mixed_float16 after an overflow).
        """
        extended = tf.distribute.get_strategy().extended
        averages = self.averages or [None] * len(self.variables)
        for i, variable in enumerate(self.variables):
            arguments = [gradients[i], rate, self.slots[i]]
            if averages[i] is not None:
                arguments.append(averages[i])
            extended.update(variable, self._rule(i, finite), args=tuple(arguments), group=False)

    def _rule(self, i: int, finite: Tensor | None) -> Any:
        decay, factor, recipe = self.decays[i], self.factors[i], self.recipe

        def update(weight: Any, gradient: Tensor, rate: Tensor, slot: Any, *average: Any) -> None:
            gradient = gradient * factor if factor != 1.0 else gradient
            gradient = gradient + decay * weight if decay else gradient
            velocity = recipe.momentum * slot + gradient
            new = weight - rate * velocity
            if finite is not None:
                velocity = tf.where(finite, velocity, slot)
                new = tf.where(finite, new, weight)
            slot.assign(velocity)
            weight.assign(new)
            if average:
                change = (1.0 - recipe.ema) * (new - average[0])
                average[0].assign_add(tf.where(finite, change, 0) if finite is not None else change)

        return update


def weight_decay(model: keras.Model, name: str, decay: float) -> float:
    """Return the decay of the weight `name`: convolution kernels only, depthwise ones excluded.

    Source: adaptive-sampling, research/deeplab/core/feature_extractor.py and mobilenet.py
    (regularize_depthwise=False); batch norm, biases and mean_locations have none.
    """
    return decay if name in _decayed_names(model) else 0.0


def gradient_factor(name: str, bias_factor: float) -> float:
    """Return `bias_factor` for the bias of the output layer and 1 for all else.

    Source: adaptive-sampling, deeplab/utils/train_utils.py, get_model_gradient_multipliers.
    """
    layer, _, kind = name.rpartition("/")
    return bias_factor if kind == "bias" and layer.rpartition("/")[2] in OUTPUT_LAYERS else 1.0


def _decayed_names(model: keras.Model) -> set[str]:
    kinds = (keras.layers.Conv2D, keras.layers.Dense)
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, kinds)]
    return {layer.kernel.path for layer in layers}


def _beside(variable: Any, value: Tensor) -> tf.Variable:
    with tf.distribute.get_strategy().extended.colocate_vars_with(variable):
        return tf.Variable(value, trainable=False, dtype=variable.dtype)
