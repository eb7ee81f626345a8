"""Fast-SCNN: one short branch for detail, one deep for context, joined at 1/8.

Paper: Poudel et al. 2019 (arXiv:1902.04502).
Source: lxtGH/Fast_Seg, commit 7895738, after Tramac/Fast-SCNN-pytorch (both Apache 2.0).
Changed: logits come at input size; a list of outputs became a dict.
"""

import keras

from roadseg.layers.conv_bn import batch_norm
from roadseg.layers.convolution import (
    TORCH_NORM,
    Tensor,
    activate,
    conv,
    conv_norm,
    depthwise_conv,
)
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.pooling import AdaptiveAveragePooling
from roadseg.layers.resize import ResizeLike

MULTIPLE = 32


def fast_scnn(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    auxiliary_heads: bool = False,
    fusion_dilation: int = 1,
    normalisation: Normalisation = "rgb",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Sides are multiples of 32. Images are RGB, 0..255; without `include_preprocessing` already
    normalised. Logits are unnormalised, float32, at input size; they are decided at 1/8 (layer
    `classifier.conv.1`) and enlarged bilinearly with aligned corners.
    auxiliary_heads: return {"logits": ..., "aux": ...} for training, the second from the detail
        branch (layer `auxlayer.4`; 64 wide as the code has it, 32 in Tramac's).
    fusion_dilation: 1 as in the code; 4 is the paper's, in the context branch of the fusion.
    The first convolution has no padding, as in the code.
    Raises RoadsegError for another size.
    """
    images, x = image_input(input_shape, MULTIPLE, normalisation, include_preprocessing)
    detail = _learning_to_downsample(x)
    context = _context(detail)
    x = _fusion(detail, context, fusion_dilation)
    x = _separable(x, 128, "classifier.dsconv1")
    x = _separable(x, 128, "classifier.dsconv2")
    x = keras.layers.Dropout(0.1, name="classifier.conv.0")(x)
    heads = {"logits": conv(x, num_classes, 1, "classifier.conv.1", use_bias=True)}
    if auxiliary_heads:
        x = conv_norm(detail, 64, 3, ("auxlayer.0", "auxlayer.1"))
        x = keras.layers.Dropout(0.1, name="auxlayer.3")(x)
        heads["aux"] = conv(x, num_classes, 1, "auxlayer.4", use_bias=True)
    return segmentation_model(images, heads, "fast_scnn")


def _learning_to_downsample(x: Tensor) -> Tensor:
    prefix = "learning_to_downsample"
    names = (f"{prefix}.conv.conv.0", f"{prefix}.conv.conv.1")
    x = conv_norm(x, 32, 3, names, strides=2, padding=0)
    x = _separable(x, 48, f"{prefix}.dsconv1", strides=2)
    return _separable(x, 64, f"{prefix}.dsconv2", strides=2)


def _context(x: Tensor) -> Tensor:
    """Return the map at 1/32, 128 channels."""
    prefix = "global_feature_extractor"
    for stage, (filters, strides) in enumerate(((64, 2), (96, 2), (128, 1)), start=1):
        for unit in range(3):
            name = f"{prefix}.bottleneck{stage}.{unit}"
            x = _inverted_residual(x, filters, name, strides if unit == 0 else 1)
    return _pyramid_pooling(x, f"{prefix}.ppm")


def _pyramid_pooling(x: Tensor, name: str) -> Tensor:
    maps = [x]
    for number, bins in enumerate((1, 2, 3, 6), start=1):
        branch = AdaptiveAveragePooling(bins, name=f"{name}.pool{number}")(x)
        names = (f"{name}.conv{number}.conv.0", f"{name}.conv{number}.conv.1")
        branch = conv_norm(branch, 32, 1, names)
        maps.append(ResizeLike(name=f"{name}.up{number}")([branch, x]))
    x = keras.layers.Concatenate(name=f"{name}.concatenated")(maps)
    return conv_norm(x, 128, 1, (f"{name}.out.conv.0", f"{name}.out.conv.1"))


def _fusion(detail: Tensor, context: Tensor, dilation: int) -> Tensor:
    prefix = "feature_fusion"
    low = ResizeLike(name=f"{prefix}.up")([context, detail])
    low = depthwise_conv(low, f"{prefix}.dwconv.conv.0", dilation=dilation)
    low = batch_norm(low, TORCH_NORM, f"{prefix}.dwconv.conv.1")
    low = activate(low, f"{prefix}.dwconv.relu")
    branches = []
    for branch, name in ((low, "conv_lower_res"), (detail, "conv_higher_res")):
        branch = conv(branch, 128, 1, f"{prefix}.{name}.0", use_bias=True)
        branches.append(batch_norm(branch, TORCH_NORM, f"{prefix}.{name}.1"))
    return activate(keras.layers.Add(name=f"{prefix}.sum")(branches), f"{prefix}.relu")


def _separable(x: Tensor, filters: int, name: str, strides: int = 1) -> Tensor:
    """Return depthwise 3x3 and 1x1, each with normalisation and ReLU."""
    x = depthwise_conv(x, f"{name}.conv.0", strides=strides)
    x = activate(batch_norm(x, TORCH_NORM, f"{name}.conv.1"), f"{name}.conv.2")
    return conv_norm(x, filters, 1, (f"{name}.conv.3", f"{name}.conv.4"))


def _inverted_residual(x: Tensor, filters: int, name: str, strides: int) -> Tensor:
    shortcut = x
    names = (f"{name}.block.0.conv.0", f"{name}.block.0.conv.1")
    x = conv_norm(x, 6 * shortcut.shape[-1], 1, names)
    x = depthwise_conv(x, f"{name}.block.1.conv.0", strides=strides)
    x = batch_norm(x, TORCH_NORM, f"{name}.block.1.conv.1")
    x = activate(x, f"{name}.block.1.relu")
    x = conv_norm(x, filters, 1, (f"{name}.block.2", f"{name}.block.3"), activation=None)
    if strides > 1 or shortcut.shape[-1] != filters:
        return x
    return keras.layers.Add(name=f"{name}.sum")([shortcut, x])
