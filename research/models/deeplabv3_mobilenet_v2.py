"""DeepLabv3 on MobileNetV2, the segmentation network of the published NUS system.

Papers: Chen et al. 2017 (arXiv:1706.05587), Sandler et al. 2018 (arXiv:1801.04381).
Source: dmitrii-marin/adaptive-sampling, commit 95fbcc1e, research/deeplab (Apache 2.0).
Changed: image pooling covers the whole map at every input size; logits come at input size.
"""

import keras

from roadseg.backbones.mobilenet_v2 import mobilenet_v2
from roadseg.layers.deeplab_head import deeplab_head
from roadseg.layers.precision import full_precision
from roadseg.layers.resize import ResizeLike


def deeplabv3_mobilenet_v2(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    output_stride: int = 16,
    depth_multiplier: float = 1.0,
    dropout: float = 0.1,
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Images are RGB, 0..255; without `include_preprocessing` they are (2/255) x - 1 already.
    Logits are unnormalised, float32, at input size (bilinear, corners aligned).
    Trained at output stride 16, evaluated at 8 by the original: the weights are the same.
    Layers to find intermediate values by: `backbone`, `head`, `logits`,
        `output.logits`.
    Raises ValueError for an output stride other than 4, 8, 16, 32 or fewer than 1 class.
    """
    if num_classes < 1:
        raise ValueError(f"num_classes={num_classes}; a network needs at least 1 class")
    images = keras.Input(input_shape, name="image")
    x = normalise(images) if include_preprocessing else images
    features = mobilenet_v2(x, output_stride, depth_multiplier)
    logits = deeplab_head(features, num_classes, dropout)
    logits = ResizeLike(name="output.logits", dtype=full_precision())([logits, images])
    return keras.Model(images, logits, name="deeplabv3_mobilenet_v2")


def normalise(images: keras.KerasTensor) -> keras.KerasTensor:
    """Return RGB 0..255 as -1..1, in full precision even under a mixed policy."""
    layer = keras.layers.Rescaling(2 / 255, offset=-1, name="normalise", dtype=full_precision())
    return layer(images)
