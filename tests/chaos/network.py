"""A network that takes little to build, with what a run has to keep: statistics, random state."""

import keras

from roadseg.layers.normalisation import Normalisation, image_input
from roadseg.layers.resize import ResizeLike


def tiny(
    num_classes: int,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    include_preprocessing: bool = True,
    normalisation: Normalisation = "rgb",
) -> keras.Model:
    """Return two convolutions, the first at half the resolution and with dropout behind it."""
    images, x = image_input(input_shape, 2, normalisation, include_preprocessing)
    x = keras.layers.Conv2D(8, 3, 2, padding="same", use_bias=False, name="conv")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.ReLU(name="relu")(x)
    x = keras.layers.Dropout(0.2, seed=1, name="dropout")(x)
    x = keras.layers.Conv2D(num_classes, 1, name="classifier")(x)
    x = ResizeLike(align_corners=False, name="upsampling")([x, images])
    return keras.Model(images, x, name="tiny")
