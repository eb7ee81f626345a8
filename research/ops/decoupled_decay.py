"""Decoupled weight decay (SGDW, AdamW) with the optimisers that Keras has."""


def keras_weight_decay(weight_decay: float, learning_rate: float) -> float:
    """Return the `weight_decay` with which a Keras optimiser decays as tensorflow-addons' would.

    tensorflow-addons subtracts weight_decay * w in a step, Keras learning_rate * weight_decay * w.
    At a constant rate `keras.optimizers.SGD` then equals SGDW exactly and `AdamW` to 2e-6. Under a
    schedule Keras's decay falls with the rate while theirs stays: pass the highest rate and know
    that the two differ from there on.
    Raises ValueError for a rate that is not above 0.
    Source: Loshchilov and Hutter 2019, algorithms 1 and 2; tensorflow-addons 0.22.
    """
    if learning_rate <= 0:
        raise ValueError(f"learning_rate={learning_rate}; it must be above 0")
    return weight_decay / learning_rate
