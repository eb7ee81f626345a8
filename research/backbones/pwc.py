"""The parts of a reduced PWC-Net: a pyramid of features, and a flow refined level by level.

Paper: Sun et al. 2018 (arXiv:1709.02371); no dense connections, no context network here.
Source: zhenzhenxiang/SemanticsSharing, commit 9fc1fde, after RanhaoKang/PWC-Net_pytorch (MIT).
Flows have channels (x, y), in pixels of their own map. The context network, batch normalisation
and depthwise-separable layers, off wherever the original is used, are left out.
"""

from collections.abc import Sequence
from typing import Any

import keras

from roadseg.layers.convolution import conv
from roadseg.layers.flow import CostVolume, WarpByFlow
from roadseg.layers.precision import full_precision

Tensor = Any
SEARCH_RANGE = 4
ESTIMATOR_WIDTHS = (128, 128, 96, 64, 32)


def feature_pyramid(
    image_channels: int, widths: Sequence[int], prefix: str, model_name: str
) -> keras.Model:
    """Return a model from images of any size to maps at 1/2, 1/4, ..., one for each width.

    Each level halves the sides, rounded up, by the first of two 3x3 convolutions. It is a model
    so that two images can go through one set of weights.
    prefix: of the layers `Feature.Lv<level>.<0 or 1>.0`, level 0 the finest.
    """
    images = keras.Input((None, None, image_channels), dtype=full_precision())
    x, maps = images, []
    for level, width in enumerate(widths):
        for index, strides in enumerate((2, 1)):
            x = _conv_leaky(x, width, f"{prefix}Feature.Lv{level}.{index}", strides)
        maps.append(x)
    return keras.Model(images, maps, name=model_name)


def refine_flow(
    flow: Tensor,
    first: Tensor,
    second: Tensor,
    name: str,
    sign: int,
    align_corners: bool = True,
    search_range: int = SEARCH_RANGE,
) -> Tensor:
    """Return `flow` and what one level adds to it, full precision.

    flow: (batch, height, width, 2). first, second: features of that size, of both images.
    sign: of the flow along which `second` is looked up before the two are compared.
    name: of the estimator; the coarsest is `FlowEstimator.Lv0`. Layers: `name.convs.<0 to 4>.0`,
        `name.convs.5`, and `name.flow`, what is returned.
    """
    second = WarpByFlow(sign, align_corners, name=f"{name}.warped")([second, flow])
    costs = CostVolume(search_range, name=f"{name}.costs", dtype=full_precision())
    x = keras.layers.Concatenate(name=f"{name}.concatenated")([first, costs([first, second]), flow])
    for index, width in enumerate(ESTIMATOR_WIDTHS):
        x = _conv_leaky(x, width, f"{name}.convs.{index}")
    x = _conv(x, 2, f"{name}.convs.{len(ESTIMATOR_WIDTHS)}")
    return keras.layers.Add(name=f"{name}.flow", dtype=full_precision())([flow, x])


def _conv_leaky(x: Tensor, filters: int, name: str, strides: int = 1) -> Tensor:
    x = _conv(x, filters, f"{name}.0", strides)
    return keras.layers.LeakyReLU(0.1, name=f"{name}.1")(x)


def _conv(x: Tensor, filters: int, name: str, strides: int = 1) -> Tensor:
    return conv(
        x,
        filters,
        3,
        name,
        strides=strides,
        use_bias=True,
        initializer=keras.initializers.GlorotUniform(),
        bias_initializer=keras.initializers.RandomUniform(0, 1),
    )
