"""The head for deep supervision that PSPNet put on its third stage, and others took over."""

from typing import Any

from roadseg.layers.conv_bn import batch_norm
from roadseg.layers.convolution import TORCH_NORM, activate, channel_dropout, conv

Tensor = Any


def auxiliary_head(x: Tensor, filters: int, num_classes: int, name: str) -> Tensor:
    """Return class logits (batch, height, width, num_classes) of `x`, at its size.

    A 3x3 convolution to `filters` channels (with bias, though a normalisation follows), batch
    normalisation, ReLU, channel dropout, and 1x1 to the classes. Layers: `name.0`, `.1`, `.4`.
    Source: lxtGH/Fast_Seg 7895738, `dsn` of PSPNet.
    """
    x = conv(x, filters, 3, f"{name}.0", use_bias=True)
    x = activate(batch_norm(x, TORCH_NORM, f"{name}.1"), f"{name}.2")
    x = channel_dropout(x, f"{name}.3")
    return conv(x, num_classes, 1, f"{name}.4", use_bias=True)
