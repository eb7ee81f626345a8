"""ResNet-18, -50 and -101 with a plain or a deep stem, as PyTorch's networks build and name them.

Paper: He et al. 2016 (arXiv:1512.03385); the deep stem is Inception's, as in PSPNet.
Source: torchvision (BSD) for blocks and names; lxtGH/Fast_Seg, commit 7895738 (Apache 2.0), and
lxtGH/SFSegNets, commit ba475ba (MIT), for deep stems, ceil mode and dilations. Nothing differs in
inference.
"""

from typing import Any, NamedTuple

import keras

from roadseg.layers.conv_bn import BatchNorm
from roadseg.layers.convolution import TORCH_NORM, activate, conv_norm
from roadseg.layers.pooling import MaxPooling

Tensor = Any
Names = tuple[tuple[str, str], ...]

BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
PLAIN_STEM: Names = (("conv1", "bn1"),)
DEEP_STEM: Names = (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"))
SEQUENTIAL_STEM: Names = (("conv1.0", "conv1.1"), ("conv1.3", "conv1.4"), ("conv1.6", "bn1"))
"""The same layers as DEEP_STEM, named as files of ImageNet weights and BiSeNet name them."""
NESTED_STEM: Names = (
    ("layer0.0.0", "layer0.0.1"),
    ("layer0.0.3", "layer0.0.4"),
    ("layer0.0.6", "layer0.1"),
)
"""The same again, as SFSegNets' checkpoints name them."""


class Stage(NamedTuple):
    """What a stage gives: its last block after the ReLU, and the sum that this ReLU takes."""

    features: Tensor
    before_relu: Tensor


def resnet(
    x: Tensor,
    depth: int,
    prefix: str = "",
    stem: Names = PLAIN_STEM,
    width: int = 64,
    strides: tuple[int, int, int, int] = (1, 2, 2, 2),
    dilations: tuple[int, int, int, int] = (1, 1, 1, 1),
    ceil_mode: bool = False,
    norm: BatchNorm = TORCH_NORM,
    initializer: keras.initializers.Initializer | None = None,
) -> list[Stage]:
    """Return the four stages, at 1/4, 1/8, 1/16 and 1/32 by default.

    x: (batch, height, width, 3). depth: 18 (basic blocks; channels 1, 2, 4, 8 times `width`), 50
        or 101 (bottlenecks; four times that).
    prefix: of every layer's name (`backbone.`); then torchvision's (`layer1.0.conv1`).
    stem: names of its layers, convolution and normalisation; see `resnet_stem`.
    strides: of the first block of each stage. dilations: of the convolutions called `conv2`, in
        every block of each stage (the 3x3 of a bottleneck, the second 3x3 of a basic block).
    ceil_mode: of the max pool, one row and column more at even sizes.
    initializer: of kernels; None for PyTorch's default.
    Raises ValueError for another depth, or a dilation that does not go with its stride.
    """
    x = resnet_stem(x, prefix, stem, width, ceil_mode, norm, initializer)
    stages = []
    for number, (stride, dilation) in enumerate(zip(strides, dilations, strict=True), start=1):
        stage = resnet_stage(x, depth, number, prefix, width, stride, dilation, norm, initializer)
        stages.append(stage)
        x = stage.features
    return stages


def resnet_stem(
    x: Tensor,
    prefix: str = "",
    names: Names = PLAIN_STEM,
    width: int = 64,
    ceil_mode: bool = False,
    norm: BatchNorm = TORCH_NORM,
    initializer: keras.initializers.Initializer | None = None,
) -> Tensor:
    """Return the map at 1/4, after the max pool.

    names: one pair gives a 7x7 of `width` channels (plain stem), three pairs 3x3s of 1, 1 and 2
        times `width` (deep stem), the first at stride 2. Layers: also `maxpool`.
    """
    deep = len(names) > 1
    for number, (convolution, normalisation) in enumerate(names):
        x = conv_norm(
            x,
            2 * width if number == 2 else width,
            3 if deep else 7,
            (prefix + convolution, prefix + normalisation),
            strides=2 if number == 0 else 1,
            norm=norm,
            initializer=initializer,
        )
    return MaxPooling(ceil_mode, name=f"{prefix}maxpool")(x)


def resnet_stage(
    x: Tensor,
    depth: int,
    number: int,
    prefix: str = "",
    width: int = 64,
    stride: int = 1,
    dilation: int = 1,
    norm: BatchNorm = TORCH_NORM,
    initializer: keras.initializers.Initializer | None = None,
) -> Stage:
    """Return stage `number` (1 to 4) of a ResNet, for what comes between two; see `resnet`."""
    if depth not in BLOCKS:
        raise ValueError(f"depth={depth}; there are ResNets of {', '.join(map(str, BLOCKS))}")
    block = basic_block if depth == 18 else bottleneck
    planes = width * 2 ** (number - 1)
    stage = Stage(x, x)
    for index in range(BLOCKS[depth][number - 1]):
        name = f"{prefix}layer{number}.{index}"
        strides = stride if index == 0 else 1
        stage = block(stage.features, planes, name, strides, dilation, norm, initializer)
    return stage


def basic_block(
    x: Tensor,
    planes: int,
    name: str,
    strides: int = 1,
    dilation: int = 1,
    norm: BatchNorm = TORCH_NORM,
    initializer: keras.initializers.Initializer | None = None,
) -> Stage:
    """Return two 3x3 convolutions beside a shortcut, projected where stride or width changes."""
    common: dict[str, Any] = {"norm": norm, "initializer": initializer}
    shortcut = _shortcut(x, planes, name, strides, common)
    x = conv_norm(x, planes, 3, _names(name, 1), strides, **common)
    x = conv_norm(x, planes, 3, _names(name, 2), dilation=dilation, activation=None, **common)
    return _joined(x, shortcut, name)


def bottleneck(
    x: Tensor,
    planes: int,
    name: str,
    strides: int = 1,
    dilation: int = 1,
    norm: BatchNorm = TORCH_NORM,
    initializer: keras.initializers.Initializer | None = None,
    expansion: int = 4,
) -> Stage:
    """Return 1x1, 3x3 and 1x1 convolutions beside a shortcut; `expansion` x `planes` channels."""
    common: dict[str, Any] = {"norm": norm, "initializer": initializer}
    shortcut = _shortcut(x, expansion * planes, name, strides, common)
    x = conv_norm(x, planes, 1, _names(name, 1), **common)
    if strides > 1 and dilation > 1:
        x, dilation = _thinned(x, name, strides, dilation)
        strides = 1
    x = conv_norm(x, planes, 3, _names(name, 2), strides, dilation, **common)
    x = conv_norm(x, expansion * planes, 1, _names(name, 3), activation=None, **common)
    return _joined(x, shortcut, name)


def _shortcut(x: Tensor, filters: int, name: str, strides: int, common: dict[str, Any]) -> Tensor:
    """Return `x` itself where it fits, else its projection."""
    if strides == 1 and x.shape[-1] == filters:
        return x
    names = (f"{name}.downsample.0", f"{name}.downsample.1")
    return conv_norm(x, filters, 1, names, strides, activation=None, **common)


def _thinned(x: Tensor, name: str, strides: int, dilation: int) -> tuple[Tensor, int]:
    """Return every `strides`-th row and column, and the dilation left for a convolution on them.

    Keras refuses a stride with a dilation. The taps of one that the stride divides all fall on
    these rows and columns.
    """
    if dilation % strides:
        raise ValueError(f"{name}: dilation {dilation} is no multiple of the stride {strides}")
    thin = keras.layers.MaxPooling2D(1, strides=strides, name=f"{name}.thinned")
    return thin(x), dilation // strides


def _joined(x: Tensor, shortcut: Tensor, name: str) -> Stage:
    before_relu = keras.layers.Add(name=f"{name}.sum")([x, shortcut])
    return Stage(activate(before_relu, f"{name}.relu"), before_relu)


def _names(name: str, number: int) -> tuple[str, str]:
    return f"{name}.conv{number}", f"{name}.bn{number}"
