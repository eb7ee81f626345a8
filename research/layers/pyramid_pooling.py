"""PSPNet's pyramid pooling: averages over coarse bins, set beside the map they came from.

Paper: Zhao et al. 2017 (arXiv:1612.01105), section 3.2.
"""

from typing import Any

import keras

from roadseg.layers.convolution import channel_dropout, conv_norm
from roadseg.layers.pooling import AdaptiveAveragePooling
from roadseg.layers.resize import ResizeLike

Tensor = Any
BINS = (1, 2, 3, 6)


def pyramid_pooling(
    x: Tensor,
    filters: int,
    name: str,
    kernel_size: int = 3,
    padding: int | None = None,
) -> Tensor:
    """Return `x` (batch, height, width, channels) with its context, `filters` channels.

    Four branches of `filters` channels, 1x1 and without ReLU, are enlarged bilinearly with aligned
    corners and set before `x`; a convolution, batch normalisation, ReLU and channel dropout follow.
    kernel_size, padding: of that convolution. PSPNet and ICNet: 3; SFNet: 1; DF-Seg: 1 with a
        padding of 1, which gives two more rows and columns. padding=None keeps the size.
    Layers: `name.stages.<branch>.1` and `.2`, `name.bottleneck.0`, `.1` and `.3`.
    Source: lxtGH/Fast_Seg 7895738, PSPModule.
    """
    maps = []
    for branch, bins in enumerate(BINS):
        stage = f"{name}.stages.{branch}"
        pooled = AdaptiveAveragePooling(bins, name=f"{stage}.0")(x)
        pooled = conv_norm(pooled, filters, 1, (f"{stage}.1", f"{stage}.2"), activation=None)
        maps.append(ResizeLike(name=f"{stage}.up")([pooled, x]))
    x = keras.layers.Concatenate(name=f"{name}.concatenated")([*maps, x])
    names = (f"{name}.bottleneck.0", f"{name}.bottleneck.1")
    x = conv_norm(x, filters, kernel_size, names, padding=padding)
    return channel_dropout(x, f"{name}.bottleneck.3")
