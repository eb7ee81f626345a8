"""Where images enter a network: the sizes it takes, and the scale its weights were trained on."""

from typing import Any, Literal

import keras

from roadseg.errors import RoadsegError
from roadseg.layers.precision import full_precision

Tensor = Any
Normalisation = Literal[
    "rgb",
    "bgr",
    "bgr_prediction",
    "df",
    "espnet_cityscapes",
    "espnet_camvid",
    "dabnet_cityscapes",
    "dabnet_camvid",
]

# (channels reversed to BGR, scale, mean, standard deviation): (scale x - mean) / deviation.
_NORMALISATIONS: dict[str, tuple[bool, float, tuple[float, ...], tuple[float, ...]]] = {
    "rgb": (False, 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "bgr": (True, 1.0, (104.00698793, 116.66876762, 122.67891434), (1.0, 1.0, 1.0)),
    "bgr_prediction": (True, 1.0, (103.939, 116.779, 123.68), (1.0, 1.0, 1.0)),
    # Over 125 is the authors' times 0.008.
    "df": (True, 1.0, (72.0, 83.0, 73.0), (125.0, 125.0, 125.0)),
    "espnet_cityscapes": (
        True,
        1.0,
        (72.3923111, 82.90893555, 73.15840149),
        (255 * 45.3192215, 255 * 46.15289307, 255 * 44.91483307),
    ),
    "espnet_camvid": (
        True,
        1.0,
        (110.2478, 108.3571, 104.9847),
        (255 * 72.0581, 255 * 72.6439, 255 * 69.8477),
    ),
    "dabnet_cityscapes": (False, 1.0, (73.158325, 82.90902, 72.3924), (1.0, 1.0, 1.0)),
    "dabnet_camvid": (False, 1.0, (99.625, 103.330, 105.658), (1.0, 1.0, 1.0)),
}


def image_input(
    input_shape: tuple[int | None, int | None, int],
    multiple: int,
    normalisation: Normalisation,
    include_preprocessing: bool = True,
    or_one_less: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return the network's input and what its first layer takes.

    multiple: height and width have to be multiples of it, or may with `or_one_less` be one pixel
    short of one. Input: RGB, 0..255, or what `normalise` gives where `include_preprocessing` is
    False.
    """
    images = keras.Input(input_shape, name="image")
    x: Tensor = images
    if multiple > 1:
        x = SizeMultiple(multiple, or_one_less, name="size")(images)
    return images, normalise(x, normalisation) if include_preprocessing else x


def normalise(images: Tensor, normalisation: Normalisation, name: str = "normalise") -> Tensor:
    """Return RGB 0..255 on the scale of published weights, in full precision, by a layer `name`.

    rgb: RGB / 255 less ImageNet's mean, over its deviation (torchvision).
    bgr: BGR less (104.007, 116.669, 122.679), as the backbones with deep stems were trained.
    bgr_prediction: BGR less (103.939, 116.779, 123.68), as Fast_Seg's prediction script has it.
    df: BGR less (72, 83, 73), times 0.008, as DFNet's authors train.
    espnet_cityscapes, espnet_camvid: BGR less the data set's mean, over its deviation, then / 255.
    dabnet_cityscapes, dabnet_camvid: RGB less the data set's mean.
    Source: Fast_Seg 7895738, train_distribute.py and prediction script; ESPNet afe71c3; DABNet
    b8d62fe.
    Raises ValueError for any other name.
    """
    if normalisation not in _NORMALISATIONS:
        there = ", ".join(_NORMALISATIONS)
        raise ValueError(f"normalisation={normalisation!r}; there are {there}")
    return Normalise(normalisation, name=name, dtype=full_precision())(images)


def denormalise(images: Tensor, normalisation: Normalisation, name: str) -> Tensor:
    """Return what `normalise` gave as RGB 0..255 again, in full precision, by a layer `name`."""
    return Denormalise(normalisation, name=name, dtype=full_precision())(images)


def mean_colour(normalisation: str) -> tuple[float, float, float]:
    """Return the RGB colour, 0..255, that `normalise` brings to zero."""
    reverse, scale, mean, _ = _NORMALISATIONS[normalisation]
    red, green, blue = (value / scale for value in (mean[::-1] if reverse else mean))
    return red, green, blue


def nearest_multiples(side: int, multiple: int) -> list[int]:
    """Return the multiple at or below `side`, unless it is 0, and the one after it."""
    below = side // multiple * multiple
    return [size for size in (below, below + multiple) if size]


@keras.saving.register_keras_serializable("roadseg")
class Normalise(keras.layers.Layer):
    """Brings RGB 0..255 to the scale of published weights; see `normalise`."""

    def __init__(self, normalisation: str, **kwargs: Any) -> None:
        """Keep the name of the scale."""
        super().__init__(**kwargs)
        self.normalisation = normalisation

    def call(self, images: Tensor) -> Tensor:
        """Return images of the same shape."""
        reverse, factor, mean = self._scale()
        x = keras.ops.cast(images, self.compute_dtype)
        x = keras.ops.flip(x, axis=-1) if reverse else x
        return (x - mean) * factor

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the same shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "normalisation": self.normalisation}

    def _scale(self) -> tuple[bool, Tensor, Tensor]:
        """Return whether channels are reversed, and what images are multiplied by less a mean."""
        reverse, scale, mean, deviation = _NORMALISATIONS[self.normalisation]
        # (scale x - m) / d as (x - m / scale) (scale / d): two operations a pixel, not three.
        factor = keras.ops.convert_to_tensor([scale / d for d in deviation], self.compute_dtype)
        mean = keras.ops.convert_to_tensor([m / scale for m in mean], self.compute_dtype)
        return reverse, factor, mean


@keras.saving.register_keras_serializable("roadseg")
class Denormalise(Normalise):
    """Brings images on the scale of published weights back to RGB 0..255."""

    def call(self, images: Tensor) -> Tensor:
        """Return images of the same shape."""
        reverse, factor, mean = self._scale()
        x = keras.ops.cast(images, self.compute_dtype) / factor + mean
        return keras.ops.flip(x, axis=-1) if reverse else x


@keras.saving.register_keras_serializable("roadseg")
class SizeMultiple(keras.layers.Layer):
    """Passes images through whose height and width are multiples of a number, and no others."""

    def __init__(self, multiple: int, or_one_less: bool = False, **kwargs: Any) -> None:
        """Keep the number, and whether sides one pixel short of a multiple pass as well.

        Those become multiples by the first stride of 2, which rounds up.
        """
        super().__init__(**kwargs)
        self.multiple = multiple
        self.or_one_less = or_one_less

    def call(self, images: Tensor) -> Tensor:
        """Return `images`; raise RoadsegError naming the nearest sizes if theirs does not fit."""
        self._check(tuple(images.shape))
        return images

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the same shape, or raise RoadsegError as `call` does."""
        self._check(input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"multiple": self.multiple, "or_one_less": self.or_one_less}
        return {**super().get_config(), **own}

    def _check(self, shape: tuple) -> None:
        for side, axis in zip(shape[1:3], ("height", "width"), strict=True):
            # What a side is short of the next multiple: 0 passes, and 1 where that is allowed.
            if side is not None and -side % self.multiple > self.or_one_less:
                near = " or ".join(map(str, nearest_multiples(side, self.multiple)))
                raise RoadsegError(
                    f"image {axis} {side}: this network takes multiples of {self.multiple}; "
                    f"nearest: {near}"
                )


@keras.saving.register_keras_serializable("roadseg")
class SizeRange(keras.layers.Layer):
    """Passes images through whose height and width lie in a range each, and no others."""

    def __init__(
        self, heights: tuple[int, int], widths: tuple[int, int], hint: str, **kwargs: Any
    ) -> None:
        """Keep the least and the greatest of each, and what to do about another size."""
        super().__init__(**kwargs)
        self.heights = tuple(heights)
        self.widths = tuple(widths)
        self.hint = hint

    def call(self, images: Tensor) -> Tensor:
        """Return `images`; raise RoadsegError if their size does not fit."""
        self._check(tuple(images.shape))
        return images

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the same shape, or raise RoadsegError as `call` does."""
        self._check(input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"heights": self.heights, "widths": self.widths, "hint": self.hint}
        return {**super().get_config(), **own}

    def _check(self, shape: tuple) -> None:
        for side, (least, most), axis in zip(
            shape[1:3], (self.heights, self.widths), ("height", "width"), strict=True
        ):
            if side is not None and not least <= side <= most:
                raise RoadsegError(
                    f"image {axis} {side}: this network takes {least} to {most}; {self.hint}"
                )
