"""The density network: sees a thumbnail of the street and says how dense samples should lie.

The backbone halves the thumbnail twice and then looks around by dilations, as in the context
networks of Yu and Koltun 2016 (arXiv:1511.07122), with separable convolutions (Chollet 2017). Ours.
"""

import keras
from keras import layers

from roadseg.layers.cell_bias import CellBias, FixedCells
from roadseg.layers.conv_bn import BatchNorm, conv_bn, depthwise_bn
from roadseg.layers.precision import full_precision
from roadseg.models.deeplabv3_mobilenet_v2 import normalise

STRIDE = 4
DILATIONS = (1, 2, 4, 1)
NORM = BatchNorm(momentum=0.95, epsilon=1e-3)
WIDTH = 32


def density_sampler(
    input_size: tuple[int, int] = (96, 128),
    width: int = WIDTH,
    include_preprocessing: bool = True,
) -> keras.Model:
    """Return the network: thumbnails (batch, *input_size, 3) to logits (batch, rows, columns).

    Thumbnails are RGB, 0..255; without `include_preprocessing` they are (2/255) x - 1 already.
    rows, columns = input_size // 4: the cells of the density, whose softmax over all cells of an
    image is the probability that a boundary lies there. width: channels, a multiple of 2.
    Layers to find intermediate values by: `stem`, `down`, `context.N`, `surround` (the mean of
    the image), `logits` and `prior` (a bias for each cell).
    Raises ValueError for a size that 4 does not divide into 2 cells a side, or an odd width.
    """
    height, columns = input_size
    if height % STRIDE or columns % STRIDE or min(input_size) < 2 * STRIDE:
        raise ValueError(f"input_size={input_size}: multiples of {STRIDE}, at least {2 * STRIDE}")
    if width < 2 or width % 2:
        raise ValueError(f"width={width}: an even number of at least 2")
    images = keras.Input((height, columns, 3), name="image")
    x = normalise(images) if include_preprocessing else images
    start = keras.initializers.HeNormal()
    x = conv_bn(x, width // 2, 3, "stem", NORM, start, strides=2, activation="relu")
    x = _separable(x, width, "down", start, strides=2)
    for number, dilation in enumerate(DILATIONS):
        found = _separable(x, width, f"context.{number}", start, dilation=dilation)
        x = layers.Add(name=f"context.{number}.add")([x, found])
    mean = layers.GlobalAveragePooling2D(keepdims=True, name="surround.mean")(x)
    mean = layers.Conv2D(width, 1, activation="relu", name="surround")(mean)
    x = layers.Add(name="surround.add")([x, mean])
    x = _separable(x, width, "gather", start)
    # Small first values: an untrained network samples almost evenly.
    small = keras.initializers.RandomNormal(stddev=0.01)
    logits = layers.Conv2D(1, 1, kernel_initializer=small, name="logits", dtype=full_precision())(x)
    cells = height // STRIDE, columns // STRIDE
    logits = layers.Reshape(cells, name="cells", dtype=full_precision())(logits)
    logits = CellBias(name="prior", dtype=full_precision())(logits)
    return keras.Model(images, logits, name="density_sampler")


def prior_sampler(cells: tuple[int, int] = (24, 32)) -> keras.Model:
    """Return the fixed density: any images (batch, height, width, 3) to the same logits.

    Its only weight is the bias of each cell, (rows, columns); nothing of the image is looked at.
    """
    images = keras.Input((None, None, 3), name="image")
    return keras.Model(images, FixedCells(cells, name="prior")(images), name="prior_sampler")


def _separable(
    x: keras.KerasTensor,
    width: int,
    name: str,
    start: keras.initializers.Initializer,
    strides: int = 1,
    dilation: int = 1,
) -> keras.KerasTensor:
    """Return a depthwise 3x3 and a pointwise convolution, each normalised, and one activation."""
    x = depthwise_bn(x, f"{name}.depthwise", NORM, start, strides, dilation)
    return conv_bn(x, width, 1, name, NORM, start, activation="relu")
