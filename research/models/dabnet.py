"""DABNet: depthwise convolutions one way and the other, near and dilated, on few channels.

Paper: Li et al. 2019 (arXiv:1907.11357; BMVC 2019).
Source: Reagan1311/DABNet, commit b8d62fe (MIT).
"""

import keras

from roadseg.layers.conv_bn import BatchNorm
from roadseg.layers.convolution import Tensor, conv
from roadseg.layers.dilated_depthwise import DilatedDepthwiseConv2D
from roadseg.layers.heads import segmentation_model
from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.pooling import AveragePooling
from roadseg.layers.prelu import norm_prelu

# At 1/2 a max pool rounds down beside a convolution that rounds up: sides have to be even there.
MULTIPLE = 4
NORM = BatchNorm(momentum=0.9, epsilon=1e-3)
DILATIONS = ((2, 2, 2), (4, 4, 8, 8, 16, 16))
"""Of the modules at 1/4, and of those at 1/8."""


def dabnet(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    normalisation: Normalisation = "dabnet_cityscapes",
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: images (batch, height, width, 3) to logits (batch, ..., classes).

    Sides are multiples of 4, or one pixel less. Images are RGB, 0..255; without
    `include_preprocessing` already normalised. Logits are unnormalised, float32, at input size;
    they are decided at 1/8 (layer `classifier.0.conv`) and enlarged bilinearly with half-pixel
    centres, in the original too. There is one output, in training as well.
    Raises RoadsegError for another size.
    """
    images, x = image_input(
        input_shape, MULTIPLE, normalisation, include_preprocessing, or_one_less=True
    )
    half = AveragePooling(name="sample1")(x)
    quarter = AveragePooling(name="sample2")(half)
    eighth = AveragePooling(name="sample3")(quarter)

    for layer in range(3):
        x = _conv(x, 32, 3, f"init_conv.{layer}", strides=1 if layer else 2)
    x = _joined([x, half], "bn_prelu_1")
    first = _down(x, 64, "downsample_1")
    x = _modules(first, 1)
    x = _joined([x, first, quarter], "bn_prelu_2")
    first = _down(x, 128, "downsample_2")
    x = _modules(first, 2)
    x = _joined([x, first, eighth], "bn_prelu_3")
    logits = conv(x, num_classes, 1, "classifier.0.conv", initializer=_he())
    return segmentation_model(
        images, {"logits": logits}, "dabnet", "half_pixel", upsampled_in_original=True
    )


def _modules(x: Tensor, block: int) -> Tensor:
    for number, dilation in enumerate(DILATIONS[block - 1]):
        x = _module(x, dilation, f"DAB_Block_{block}.DAB_Module_{block}_{number}")
    return x


def _module(x: Tensor, dilation: int, name: str) -> Tensor:
    """Return `x` plus what two chains of depthwise convolutions see on half its channels."""
    width = x.shape[-1]
    inner = _norm_prelu(x, f"{name}.bn_relu_1")
    inner = _conv(inner, width // 2, 3, f"{name}.conv3x3")
    near = _depthwise(inner, (3, 1), 1, f"{name}.dconv3x1")
    near = _depthwise(near, (1, 3), 1, f"{name}.dconv1x3")
    far = _depthwise(inner, (3, 1), dilation, f"{name}.ddconv3x1")
    far = _depthwise(far, (1, 3), dilation, f"{name}.ddconv1x3")
    inner = keras.layers.Add(name=f"{name}.branches")([near, far])
    inner = _norm_prelu(inner, f"{name}.bn_relu_2")
    inner = conv(inner, width, 1, f"{name}.conv1x1.conv", initializer=_he())
    return keras.layers.Add(name=f"{name}.sum")([inner, x])


def _down(x: Tensor, filters: int, name: str) -> Tensor:
    """Return `x` at half its size; where it is to become wider, its maxima fill the difference."""
    wider = x.shape[-1] < filters
    learned = filters - x.shape[-1] if wider else filters
    found = conv(x, learned, 3, f"{name}.conv3x3.conv", strides=2, initializer=_he())
    if wider:
        largest = keras.layers.MaxPooling2D(2, name=f"{name}.max_pool")(x)
        found = keras.layers.Concatenate(name=f"{name}.concatenated")([found, largest])
    return _norm_prelu(found, f"{name}.bn_prelu")


def _joined(maps: list[Tensor], name: str) -> Tensor:
    return _norm_prelu(keras.layers.Concatenate(name=f"{name}.concatenated")(maps), name)


def _conv(x: Tensor, filters: int, kernel_size: int, name: str, strides: int = 1) -> Tensor:
    x = conv(x, filters, kernel_size, f"{name}.conv", strides, initializer=_he())
    return _norm_prelu(x, f"{name}.bn_prelu")


def _depthwise(x: Tensor, kernel_size: tuple[int, int], dilation: int, name: str) -> Tensor:
    """Return a depthwise convolution along one axis, dilated along it, normalised, with PReLU."""
    x = DilatedDepthwiseConv2D(
        kernel_size,
        dilation_rate=tuple(dilation if taps > 1 else 1 for taps in kernel_size),
        padding="same",
        use_bias=False,
        # He's by fan in as PyTorch counts it: three values.
        depthwise_initializer=keras.initializers.RandomNormal(stddev=(2 / 3) ** 0.5),
        name=f"{name}.conv",
    )(x)
    return _norm_prelu(x, f"{name}.bn_prelu")


def _norm_prelu(x: Tensor, name: str) -> Tensor:
    return norm_prelu(x, NORM, f"{name}.bn", f"{name}.acti")


def _he() -> keras.initializers.Initializer:
    return keras.initializers.VarianceScaling(2.0, "fan_in", "untruncated_normal")
