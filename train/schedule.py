"""The poly schedule."""


def poly(step: int, steps: int, learning_rate: float, power: float) -> float:
    """Return the rate of `step`: learning_rate * (1 - step / steps) ** power, 0 from `steps` on.

    Source: adaptive-sampling, research/deeplab/utils/train_utils.py (learning policy 'poly').
    """
    return learning_rate * max(0.0, 1.0 - step / steps) ** power
