"""Which layers stay in full precision: images before scaling, logits, sampling grids."""

import keras


def full_precision() -> str:
    """Return the type weights have under the current policy: float32 if mixed, float64 if that."""
    return keras.config.dtype_policy().variable_dtype
