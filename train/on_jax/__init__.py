"""Training on Keras's JAX backend: devices, step and update; the rest of the loop is shared."""
