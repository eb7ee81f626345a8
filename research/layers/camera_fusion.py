"""How a view's own maps and what the other camera brings to it become its class logits.

Paper: Xiang et al. 2019 (arXiv:1909.07038), the fusion modules.
Source: zhenzhenxiang/SemanticsSharing, commit 9fc1fde, for research alone: only what it computes
was described. It has 6 classes alone; every other count widens the layers alike.
"""

from typing import Any, Literal

import keras

from roadseg.layers.conv_bn import batch_norm
from roadseg.layers.convolution import TORCH_NORM, activate, conv, conv_norm

Tensor = Any
Kind = Literal["res", "res131"]
# Channels inside the residuals; that of features and logits keeps their own count.
LOGITS_WIDTH = 64
RESIDUAL_WIDTH = 32


def fuse_narrow(
    features: Tensor,
    logits: Tensor,
    logits_first: bool,
    kind: Kind = "res",
    name: str = "FFM_60",
) -> Tensor:
    """Return logits of the narrow view from its features and the wide view's logits.

    features: (batch, height, width, channels). logits: (batch, height, width, classes).
    logits_first: how the two lie beside each other, which differs between the coupled networks;
        kernels of one do not fit the other.
    kind: "res": both beside each other, a residual of two 3x3, and a class layer (`FFM_res`).
        "res131": the features are classified behind a dilated 5x5, the logits are added, and a
        narrow residual follows (`FFM_res131`).
    Raises ValueError for another kind.
    """
    num_classes = logits.shape[-1]
    if kind == "res":
        # Published kernels fit one order only.
        maps = [logits, features] if logits_first else [features, logits]
        return _residual(maps, num_classes, None, name)
    if kind != "res131":
        raise ValueError(f"narrow_fusion={kind!r}; there are 'res' and 'res131'")
    names = (f"{name}.atrconvblock.atrconv", f"{name}.atrconvblock.bn")
    x = conv_norm(features, features.shape[-1], 5, names, dilation=2)
    x = conv(x, num_classes, 1, f"{name}.con1", use_bias=True)
    x = keras.layers.Add(name=f"{name}.logits")([x, logits])
    return _residual131(x, f"{name}.residual131")


def fuse_wide(
    logits: Tensor, other: Tensor, kind: Kind = "res131", name: str = "FFM_120"
) -> Tensor:
    """Return logits of the wide view from its own and those that the narrow view sends back.

    logits, other: (batch, height, width, classes).
    kind: "res131": their sum and a narrow residual; a ReLU comes last, so that no logit is below 0
        (`FFM_res131_120`). "res": both beside each other, as in `fuse_narrow` (`FFM_res_120`).
    Raises ValueError for another kind.
    """
    if kind == "res":
        return _residual([logits, other], logits.shape[-1], LOGITS_WIDTH, name)
    if kind != "res131":
        raise ValueError(f"wide_fusion={kind!r}; there are 'res131' and 'res'")
    x = keras.layers.Add(name=f"{name}.logits")([logits, other])
    return _residual131(x, f"{name}.residual131")


def _residual(maps: list[Tensor], num_classes: int, width: int | None, name: str) -> Tensor:
    """Return class logits of `maps` and a residual of two 3x3, `width` channels between them."""
    joined = keras.layers.Concatenate(name=f"{name}.concatenated")(maps)
    channels = joined.shape[-1]
    x = conv_norm(joined, width or channels, 3, _names(name, "convblock"))
    x = conv_norm(x, channels, 3, (f"{name}.conv3", f"{name}.bn"), activation=None)
    x = keras.layers.Add(name=f"{name}.sum")([x, joined])
    x = activate(x, f"{name}.relu")
    return conv(x, num_classes, 1, f"{name}.conv1", use_bias=True)


def _residual131(logits: Tensor, name: str) -> Tensor:
    """Return ReLU of `logits` plus 1x1, 3x3 and 1x1 convolutions of them."""
    x = conv_norm(logits, RESIDUAL_WIDTH, 1, _names(name, "convblock_in"))
    x = conv_norm(x, RESIDUAL_WIDTH, 3, _names(name, "convblock_mid"))
    x = conv(x, logits.shape[-1], 1, f"{name}.conv1_out", use_bias=True)
    x = batch_norm(x, TORCH_NORM, f"{name}.bn")
    x = keras.layers.Add(name=f"{name}.sum")([x, logits])
    return activate(x, f"{name}.relu")


def _names(name: str, block: str) -> tuple[str, str]:
    return f"{name}.{block}.conv1", f"{name}.{block}.bn"
