"""DeepLabv3's head without atrous branches: image pooling beside one 1x1 convolution."""

from typing import Any

import keras

from roadseg.layers.conv_bn import BatchNorm, conv_bn
from roadseg.layers.resize import ResizeLike

Tensor = Any

NORM = BatchNorm(momentum=0.9997, epsilon=1e-5)
CHANNELS = 256


def deeplab_head(features: Tensor, outputs: int, dropout: float, name: str = "logits") -> Tensor:
    """Return `outputs` linear values for each position of `features`.

    features: (batch, h, w, channels). Returned: (batch, h, w, outputs), layer `name`.
    Pooling is over the whole map, whatever its size (the original's kernel is the map of the
    training crop). The layer `head` holds the 256 channels before dropout.
    Source: dmitrii-marin/adaptive-sampling, research/deeplab/model.py (Apache 2.0).
    """
    pooled = keras.layers.GlobalAveragePooling2D(keepdims=True, name="image_pooling.mean")(features)
    pooled = conv_bn(pooled, CHANNELS, 1, "image_pooling", NORM, _glorot(), activation="relu")
    pooled = ResizeLike(name="image_pooling.resize")([pooled, features])
    local = conv_bn(features, CHANNELS, 1, "aspp0", NORM, _glorot(), activation="relu")
    x = keras.layers.Concatenate(name="concat")([pooled, local])
    x = conv_bn(x, CHANNELS, 1, "concat_projection", NORM, _glorot(), activation="relu")
    x = keras.layers.Identity(name="head")(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    initializer = keras.initializers.TruncatedNormal(stddev=0.01)
    return keras.layers.Conv2D(outputs, 1, kernel_initializer=initializer, name=name)(x)


def _glorot() -> keras.initializers.Initializer:
    return keras.initializers.GlorotUniform()
