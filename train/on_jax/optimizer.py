"""The update of the weights on JAX: the rules of `train.optim`, on Keras's variables."""

import math
from collections.abc import Callable
from typing import Any

import keras
from jax import numpy as jnp
from keras import ops

from roadseg.train.optim.optimizer import Optimizer, Tensor, Unbias
from roadseg.train.step import LossScale


class JaxOptimizer(Optimizer):
    """Updates every trainable weight, inside a `keras.StatelessScope`."""

    @property
    def every_variable(self) -> list[keras.Variable]:
        """What it changes beside the weights."""
        slots = [slot for slots in self.slots for slot in slots]
        return [*slots, *self.averages, *([] if self.steps is None else [self.steps])]

    def _own(self, variable: keras.Variable) -> Any:
        return variable

    def _beside(self, variable: Any, value: Tensor) -> Any:
        return keras.Variable(ops.convert_to_tensor(value), trainable=False, dtype=variable.dtype)

    def _counter(self) -> Any:
        # JAX computes in 32 bits, which count to two thousand million.
        return keras.Variable(0, trainable=False, dtype="int32")

    def _unbias(self) -> Unbias:
        steps = jnp.asarray(self.steps.value, "float32")
        # 1 - b^n without a difference of numbers near 1: there are no 64 bits here.
        return tuple(
            -jnp.expm1(steps * math.log(b)) if b else jnp.ones(())
            for b in self.recipe.optimizer.adam_betas
        )

    def _each(self, variable: Any, update: Callable[..., None], arguments: tuple) -> None:
        update(variable, *arguments)


class JaxLossScale(LossScale):
    """The factor of float16 gradients, in Keras's variables."""

    def _variable(self, first: float) -> Any:
        return keras.Variable(first, trainable=False, dtype="float32")
