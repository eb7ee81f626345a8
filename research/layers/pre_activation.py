"""Batch normalisation and ReLU before the convolution, as DDRNet and PIDNet end their branches."""

from typing import Any

from roadseg.layers.conv_bn import batch_norm
from roadseg.layers.convolution import TORCH_NORM, activate, conv, normal_fan_out

Tensor = Any


def norm_relu_conv(
    x: Tensor,
    filters: int,
    kernel_size: int,
    names: tuple[str, str],
    use_bias: bool = False,
    groups: int = 1,
) -> Tensor:
    """Return batch normalisation, ReLU and convolution of `x`; the size stays.

    names: of the normalisation and of the convolution; the activation takes the first's.
    """
    normalisation, convolution = names
    x = activate(batch_norm(x, TORCH_NORM, normalisation), f"{normalisation}.relu")
    return conv(
        x,
        filters,
        kernel_size,
        convolution,
        use_bias=use_bias,
        initializer=normal_fan_out(),
        groups=groups,
    )


def norm_relu_head(x: Tensor, width: int, outputs: int, name: str) -> Tensor:
    """Return `outputs` logits of `x` at its size: 3x3 to `width` channels, then 1x1 with bias.

    Layers: `name.bn1`, `.conv1`, `.bn2`, `.conv2`.
    Source: ydhongHIT/DDRNet de0db31, XuJiacong/PIDNet 4c158cf, `segmenthead`.
    """
    x = norm_relu_conv(x, width, 3, (f"{name}.bn1", f"{name}.conv1"))
    return norm_relu_conv(x, outputs, 1, (f"{name}.bn2", f"{name}.conv2"), use_bias=True)
