"""JAX's devices, as the loop knows those of TensorFlow: one program over all of them.

What `jax.jit` compiles is written for one device and run by all: the batch is spread over them,
weights lie on each, and the compiler adds what they have to tell each other. So a step on several
devices is that on one, batch statistics and the mining of hard pixels included.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import jax
import numpy as np
import tensorflow as tf
from jax.sharding import Mesh, NamedSharding, PartitionSpec

Batch = dict[str, Any]


class JaxDevices:
    """All of JAX's devices here, with those members of `tf.distribute.Strategy` that are used."""

    num_replicas_in_sync = 1
    """One program, whatever the number of devices."""
    cluster_resolver = None
    """There are no other processes."""

    def __init__(self) -> None:
        """Take every device, and keep TensorFlow, which reads the records, on the CPU."""
        # Where TensorFlow has begun to compute it has taken its share of a GPU: too late.
        with suppress(RuntimeError):
            tf.config.set_visible_devices([], "GPU")
        self.mesh = Mesh(np.array(jax.devices()), ("batch",))
        self.whole = NamedSharding(self.mesh, PartitionSpec())
        """Of arrays that every device has whole."""
        self.cut = NamedSharding(self.mesh, PartitionSpec("batch"))
        """Of arrays of which every device has its images."""

    @property
    def count(self) -> int:
        """The number of devices."""
        return self.mesh.size

    def scope(self) -> AbstractContextManager[Any]:
        """Return what variables are made in: they need nothing."""
        return nullcontext()

    def distribute_datasets_from_function(
        self, batches: Callable[[tf.distribute.InputContext], tf.data.Dataset]
    ) -> Iterator[Batch]:
        """Yield the batches of the one reader, each spread over the devices."""
        for batch in batches(tf.distribute.InputContext()).as_numpy_iterator():
            yield jax.device_put(batch, self.cut)

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """Return the parts of `value`, one a replica."""
        return (value,)
