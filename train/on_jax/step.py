"""One training step on JAX: a function from all values and a batch to all values and the loss."""

from collections.abc import Sequence
from typing import Any

import jax
import keras
import numpy as np
from jax import numpy as jnp

from roadseg.losses.criteria import mean
from roadseg.recipe.recipe import Recipe
from roadseg.train.on_jax.optimizer import JaxLossScale, JaxOptimizer
from roadseg.train.step import BaseStep, Batch, Tensor

Values = list[jax.Array]


class JaxStep(BaseStep):
    """Forward, backward and update of one batch; compiled once, for all devices.

    Between steps the values of all variables are the step's. Whoever reads `model` finds them in
    its variables, and what he assigns there counts for the next step.
    """

    def __init__(self, recipe: Recipe, *arguments: Any, **options: Any):
        """Make the step, as `BaseStep` says; its strategy is a `JaxDevices`."""
        self._values: Values | None = None
        super().__init__(recipe, *arguments, **options)
        self.optimizer = JaxOptimizer(self.model, recipe)
        self._trained = list(self.model.trainable_variables)
        self._others = [*self.model.non_trainable_variables, *self.optimizer.every_variable]
        if recipe.precision == "mixed_float16":
            self.scale = JaxLossScale()
            self._others += [self.scale.scale, self.scale.good_steps]
        # The sampler's too, which never change: as constants they would be compiled in.
        self._others += self.sampler.variables if self.sampler else []
        whole = self.strategy.whole
        self._compiled = jax.jit(self._updated, donate_argnums=0, out_shardings=(whole, whole))

    @property
    def model(self) -> keras.Model:
        """The network, with the values of the last step."""
        if self._values is not None:
            values, self._values = self._values, None
            for variable, value in zip([*self._trained, *self._others], values, strict=True):
                variable.assign(value)
        return self._model

    @model.setter
    def model(self, model: keras.Model) -> None:
        self._model = model

    def asking(self, batch: Batch, rate: Any, asks: float) -> tuple[Tensor, Tensor]:
        """Do what a call does, and return `asks` beside the loss: there is no other process."""
        # Nobody finds them in the meantime: reading `model` inside the step gives it as it is.
        values, self._values = self._values, None
        self._values, loss = self._compiled(values or self._placed(), batch, np.float32(rate))
        return loss, asks

    def _placed(self) -> Values:
        """Return the values of all variables, whole on every device."""
        values = [jnp.array(variable.value) for variable in [*self._trained, *self._others]]
        return jax.device_put(values, self.strategy.whole)

    def _updated(self, values: Values, batch: Batch, rate: Tensor) -> tuple[Values, Tensor]:
        count = len(self._trained)
        gradient = jax.grad(self._scaled_loss, has_aux=True)
        gradients, (others, loss) = gradient(values[:count], values[count:], batch)
        with self._scope(values[:count], others) as scope:
            finite = None
            if self.scale:
                scale = self.scale.value()
                gradients = [each / scale for each in gradients]
                finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(g)) for g in gradients]))
            limit = self.recipe.optimizer.max_gradient_norm
            if limit:
                gradients = clipped(gradients, limit)
            if self.scale:
                self.scale.update(finite)
            self.optimizer.apply(gradients, rate, finite)
        return [scope.get_current_value(v) for v in [*self._trained, *self._others]], loss

    def _scaled_loss(
        self, trained: Values, others: Values, batch: Batch
    ) -> tuple[Tensor, tuple[Values, Tensor]]:
        """Return the loss times the scale; and the others after the forward pass, and the loss."""
        with self._scope(trained, others) as scope:
            loss = jnp.asarray(mean(self.terms(batch)), self.dtype)
            scaled = loss * self.scale.value() if self.scale else loss
        return scaled, ([scope.get_current_value(v) for v in self._others], loss)

    def _scope(self, trained: Values, others: Values) -> keras.StatelessScope:
        values = zip([*self._trained, *self._others], [*trained, *others], strict=True)
        return keras.StatelessScope(values)


def clipped(gradients: Sequence[Tensor], limit: float) -> list[Tensor]:
    """Return gradients scaled down together to a norm of `limit`, if theirs is above."""
    norm = jnp.sqrt(sum(jnp.sum(jnp.square(gradient)) for gradient in gradients))
    factor = limit * jnp.minimum(1 / norm, 1 / limit)
    return [gradient * factor for gradient in gradients]
