"""Division of integers, known ones and scalars of a graph alike."""

from typing import Any


def quotient_up(dividend: Any, divisor: Any) -> Any:
    """Return the quotient of two integers, rounded up; for a dividend of 0 or more.

    `-(-dividend // divisor)` would be one too small in ONNX, where tf2onnx makes `//` of integers a
    division that rounds towards zero.
    """
    return (dividend + divisor - 1) // divisor
