"""SGD with momentum and Adam, as TensorFlow 1 and PyTorch compute them, and what decays.

Keras's SGD multiplies the gradient by the rate before it enters the momentum, these after; under a
falling rate the two differ. Keras's Adam decays weights apart from the gradient, PyTorch's in it.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from roadseg.recipe.recipe import Recipe

Tensor = Any
Slots = tuple[Any, ...]
Unbias = tuple[Tensor, ...]
"""Of Adam's two means, what each is divided by at this step."""
Rule = Callable[[Recipe, Any, Tensor, Tensor, Slots, Unbias], tuple[Tensor, Slots]]
OUTPUT_LAYERS = ("logits", "shifts")
SQUARES = ".squares"
COUNT = "adam.steps"


class Optimizer:
    """Updates every trainable weight by the rule of a recipe, with averages on the side.

    Its variables are TensorFlow's; `on_jax.optimizer` has the few methods that differ on JAX.
    """

    def __init__(self, model: keras.Model, recipe: Recipe):
        """Make the slots of every trainable weight; call it in the strategy's scope."""
        self.recipe = recipe
        self.names = [variable.path for variable in model.trainable_variables]
        self.variables = [self._own(variable) for variable in model.trainable_variables]
        decayed = decayed_names(model, recipe.optimizer.weight_decay_on)
        slow = recipe.optimizer.pretrained_factor
        self.rates = [slow if _pretrained(name, recipe) else 1.0 for name in self.names]
        full = recipe.optimizer.pretrained_decay == "full"
        self.decays = [
            (1.0 if full else rate) * recipe.optimizer.weight_decay if name in decayed else 0.0
            for name, rate in zip(self.names, self.rates, strict=True)
        ]
        self.factors = [
            gradient_factor(name, recipe.optimizer.bias_gradient_factor) for name in self.names
        ]
        count = 2 if recipe.optimizer.kind == "adam" else 1
        self.slots: list[Slots] = [
            tuple(self._beside(variable, _zeros(variable)) for _ in range(count))
            for variable in self.variables
        ]
        self.steps: Any = self._counter() if count == 2 else None
        self.averages = []
        if recipe.optimizer.ema_decay:
            self.averages = [self._beside(variable, variable) for variable in self.variables]

    def state(self) -> dict[str, Any]:
        """Return every variable that a checkpoint needs beside the weights and their averages."""
        found = {name: slots[0] for name, slots in zip(self.names, self.slots, strict=True)}
        if self.steps is None:
            return found
        squares = {name + SQUARES: slots[1] for name, slots in zip(found, self.slots, strict=True)}
        return found | squares | {COUNT: self.steps}

    def apply(self, gradients: list[Tensor], rate: Tensor, finite: Tensor | None = None) -> None:
        """Update every weight with gradients already summed over replicas (cross-replica context).

        finite: a boolean; where it is false nothing changes (mixed_float16 after an overflow).
        """
        unbias: Unbias = ()
        if self.steps is not None:
            self.steps.assign_add(1 if finite is None else ops.cast(finite, self.steps.dtype))
            unbias = self._unbias()
        for i, variable in enumerate(self.variables):
            averages = self.averages[i : i + 1]
            arguments = (gradients[i], rate, unbias, *self.slots[i], *averages)
            self._each(variable, self._update(i, finite), arguments)

    def _own(self, variable: keras.Variable) -> Any:
        """Return what is updated for a weight of the network."""
        return variable.value

    def _beside(self, variable: Any, value: Tensor) -> Any:
        """Return a new variable that lies where `variable` does."""
        with tf.distribute.get_strategy().extended.colocate_vars_with(variable):
            return tf.Variable(value, trainable=False, dtype=variable.dtype)

    def _counter(self) -> Any:
        """Return a new variable that counts steps."""
        return tf.Variable(0, trainable=False, dtype=tf.int64)

    def _unbias(self) -> Unbias:
        """Return 1 - b^n of both of Adam's numbers b, at step n, counted from 1."""
        steps = tf.cast(self.steps.read_value(), tf.float64)
        # In float32 1 - 0.999 would be off by 5e-5 of itself.
        return tuple(
            1.0 - tf.pow(tf.constant(b, tf.float64), steps)
            for b in self.recipe.optimizer.adam_betas
        )

    def _each(self, variable: Any, update: Callable[..., None], arguments: tuple) -> None:
        """Call `update` with `variable`, on every device that has it."""
        extended = tf.distribute.get_strategy().extended
        extended.update(variable, update, args=arguments, group=False)

    def _update(self, i: int, finite: Tensor | None) -> Any:
        decay, factor, recipe = self.decays[i], self.factors[i], self.recipe
        rule, slow, count = RULES[recipe.optimizer.kind], self.rates[i], len(self.slots[i])

        def kept(new: Tensor, old: Any) -> Tensor:
            return new if finite is None else ops.where(finite, new, ops.convert_to_tensor(old))

        def update(weight: Any, gradient: Tensor, rate: Tensor, unbias: Unbias, *rest: Any) -> None:
            slots, average = rest[:count], rest[count:]
            gradient = gradient * factor if factor != 1.0 else gradient
            gradient = gradient + decay * weight if decay else gradient
            rate = rate * slow if slow != 1.0 else rate
            new, moved = rule(recipe, weight, gradient, rate, slots, unbias)
            new = kept(new, weight)
            for slot, value in zip(slots, moved, strict=True):
                slot.assign(kept(value, slot))
            weight.assign(new)
            if average:
                average[0].assign_add(
                    kept((1.0 - recipe.optimizer.ema_decay) * (new - average[0]), 0.0)
                )

        return update


def momentum_rule(
    recipe: Recipe, weight: Any, gradient: Tensor, rate: Tensor, slots: Slots, _: Unbias
) -> tuple[Tensor, Slots]:
    """Return weight and slot after v := momentum v + g;  w := w - rate v."""
    velocity = recipe.optimizer.momentum * slots[0] + gradient
    return weight - rate * velocity, (velocity,)


def adam_rule(
    recipe: Recipe, weight: Any, gradient: Tensor, rate: Tensor, slots: Slots, unbias: Unbias
) -> tuple[Tensor, Slots]:
    """Return weight and slots after m := b1 m + (1 - b1) g;  v := b2 v + (1 - b2) g^2.

    w := w - rate m' / (sqrt(v') + 1e-8), with m' = m / (1 - b1^n) and v' = v / (1 - b2^n) at step
    n, counted from 1; `unbias` is both divisors.
    Source: Kingma and Ba 2015, algorithm 1, epsilon added where PyTorch's Adam does.
    """
    first, second = recipe.optimizer.adam_betas
    mean = first * slots[0] + (1.0 - first) * gradient
    square = second * slots[1] + (1.0 - second) * ops.square(gradient)
    of_mean, of_square = (ops.cast(divisor, mean.dtype) for divisor in unbias)
    change = (mean / of_mean) / (ops.sqrt(square / of_square) + 1e-8)
    return weight - rate * change, (mean, square)


RULES: dict[str, Rule] = {"sgd": momentum_rule, "adam": adam_rule}


def decayed_names(model: keras.Model, which: str = "kernels") -> set[str]:
    """Return the names of the weights that decay.

    kernels: of plain and transposed convolutions and dense layers, depthwise ones excluded.
    convolutions: of these and of depthwise convolutions. all: every trainable weight.
    Source of 'kernels': adaptive-sampling, research/deeplab/core/feature_extractor.py and
    mobilenet.py (regularize_depthwise=False); of 'all': Fast_Seg, one parameter group.
    """
    if which == "all":
        return {variable.path for variable in model.trainable_variables}
    kinds: tuple[Any, ...] = (
        keras.layers.Conv2D,
        keras.layers.Conv2DTranspose,
        keras.layers.Dense,
    )
    if which == "convolutions":
        kinds = (*kinds, keras.layers.DepthwiseConv2D)
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, kinds)]
    return {layer.kernel.path for layer in layers}


def gradient_factor(name: str, bias_factor: float) -> float:
    """Return `bias_factor` for the bias of the output layer and 1 for all else.

    Source: adaptive-sampling, deeplab/utils/train_utils.py, get_model_gradient_multipliers.
    """
    layer, _, kind = name.rpartition("/")
    return bias_factor if kind == "bias" and layer.rpartition("/")[2] in OUTPUT_LAYERS else 1.0


def _pretrained(name: str, recipe: Recipe) -> bool:
    return bool(recipe.optimizer.pretrained_layers) and name.startswith(
        recipe.optimizer.pretrained_layers
    )


def _zeros(variable: Any) -> Tensor:
    return ops.zeros_like(ops.convert_to_tensor(variable))
