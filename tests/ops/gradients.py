"""Gradients on either backend, in float64, beside finite differences."""

import contextlib
from collections.abc import Callable, Iterator

import keras
import numpy as np
from keras import ops


@contextlib.contextmanager
def float64() -> Iterator[None]:
    """Let the backend compute in float64: JAX makes it float32 unless told so."""
    if keras.backend.backend() == "jax":
        import jax

        with jax.enable_x64(True):
            yield
    else:
        yield


def gradients(function: Callable, arguments: list[np.ndarray]) -> list[np.ndarray]:
    """Return the gradient of the scalar `function` in each of its float64 arguments."""
    if keras.backend.backend() == "jax":
        import jax

        found = jax.grad(function, argnums=tuple(range(len(arguments))))(
            *(ops.convert_to_tensor(argument) for argument in arguments)
        )
    else:
        import tensorflow as tf

        tensors = [tf.convert_to_tensor(argument) for argument in arguments]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = function(*tensors)
        found = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(value, tensors)]
    return [ops.convert_to_numpy(gradient) for gradient in found]


def check_gradients(function: Callable, arguments: list[np.ndarray], probes: int = 12) -> None:
    """Compare gradients with central differences at some entries of every argument, to 1e-6."""
    rng = np.random.default_rng(7)
    with float64():
        for which, gradient in enumerate(gradients(function, arguments)):
            assert gradient.dtype == np.float64
            for entry in rng.choice(gradient.size, min(probes, gradient.size), replace=False):
                values = []
                for step in (1e-5, -1e-5):
                    moved = [argument.copy() for argument in arguments]
                    moved[which].flat[entry] += step
                    tensors = [ops.convert_to_tensor(argument) for argument in moved]
                    values.append(float(function(*tensors)))
                slope = (values[0] - values[1]) / 2e-5
                np.testing.assert_allclose(gradient.flat[entry], slope, rtol=1e-6, atol=1e-6)
