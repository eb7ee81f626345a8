"""What training on JAX cannot do, said before anything is done."""

import importlib.util
import os
from typing import Any

from roadseg.errors import RoadsegError
from roadseg.recipe.recipe import Recipe

WAY_OUT = "leave KERAS_BACKEND out to train on TensorFlow"


def refuse_backend(recipe: Recipe, backend: str) -> None:
    """Raise RoadsegError where `recipe` cannot be trained on this backend of Keras, here."""
    if backend == "tensorflow":
        return
    if backend != "jax":
        raise RoadsegError(
            f"KERAS_BACKEND={backend}: training runs on tensorflow and jax; {WAY_OUT}"
        )
    if importlib.util.find_spec("jax") is None:
        raise RoadsegError(
            "KERAS_BACKEND=jax: the package jax is not installed; pip install 'roadseg[jax]'"
        )
    if os.environ.get("TF_CONFIG"):
        raise RoadsegError(
            f"KERAS_BACKEND=jax: TF_CONFIG asks for several workers, JAX trains in one; {WAY_OUT}"
        )
    if recipe.precision == "float64":
        raise RoadsegError(
            f"--precision float64: JAX computes in 32 bits; take float32, or {WAY_OUT}"
        )


def check_devices(recipe: Recipe, devices: Any) -> None:
    """Raise RoadsegError for a batch that the devices of JAX cannot share, and local moments.

    devices: a `JaxDevices`; a strategy of TensorFlow's is refused as well.
    """
    count = getattr(devices, "count", 0)
    if not count:
        raise RoadsegError(
            f"strategy={type(devices).__name__}: TensorFlow's, and Keras runs on JAX; leave it "
            "out, all of JAX's devices are used"
        )
    if recipe.batch_size % count:
        raise RoadsegError(
            f"--batch-size {recipe.batch_size}: cannot be cut for {count} devices of JAX; "
            f"take a multiple of {count}"
        )
    if recipe.batch_norm.unsynchronised and count > 1:
        raise RoadsegError(
            f"--batch-norm.unsynchronised {' '.join(recipe.batch_norm.unsynchronised)}: on JAX all "
            f"{count} devices share their moments; {WAY_OUT}"
        )
