"""A network that takes multiples of a number alone, behind padding: any size in, that size out."""

from typing import Any

import keras
from keras import ops

from roadseg.layers.heads import main_logits
from roadseg.layers.normalisation import Normalise, SizeMultiple, mean_colour

Tensor = Any
GREY = (127.5, 127.5, 127.5)


def padded_to_legal(network: keras.Model) -> keras.Model:
    """Return `network` for images of any size, or `network` itself if it takes any already.

    network: from RGB 0..255 (batch, height, width, 3) to logits at that size, with a layer
        `SizeMultiple`. Images are padded at the bottom and right to its next legal size with the
        colour that the network's normalisation brings to zero, as in training, and its logits are
        cut back. Images of a legal size pass unchanged. The weights are those of `network`.
    """
    found = [layer for layer in network._flatten_layers() if isinstance(layer, SizeMultiple)]
    if not found:
        return network
    colours = [
        mean_colour(layer.normalisation)
        for layer in network._flatten_layers()
        if isinstance(layer, Normalise)
    ]
    images = keras.Input((None, None, 3), name="image")
    padding = PadToMultiple(
        found[0].multiple,
        # Nothing says what such a network takes for zero: the middle of the range.
        colours[0] if colours else GREY,
        found[0].or_one_less,
        name="padding",
    )
    logits = main_logits(network(padding(images)))
    logits = CutToSize(name="cut", dtype=logits.dtype)([logits, images])
    return keras.Model(images, logits, name=f"{network.name}_of_any_size")


@keras.saving.register_keras_serializable("roadseg")
class PadToMultiple(keras.layers.Layer):
    """Pads images at the bottom and right, with one colour, to multiples of a number."""

    def __init__(
        self,
        multiple: int,
        colour: tuple[float, float, float],
        or_one_less: bool = False,
        dtype: Any = "float32",
        **kw: Any,
    ) -> None:
        """Keep the number, and the colour in RGB, 0..255.

        or_one_less: leave sides that are one pixel short of a multiple as they are.
        """
        super().__init__(dtype=dtype, **kw)
        self.multiple = multiple
        self.colour = tuple(colour)
        self.or_one_less = or_one_less

    def call(self, images: Tensor) -> Tensor:
        """Return float images (batch, height', width', 3), at least as large as `images`."""
        images = ops.cast(images, self.compute_dtype)
        height, width = ops.shape(images)[1:3]
        below, right = self._missing(height), self._missing(width)
        # Its complement is added rather than a constant padded: pixels stay exactly as they are.
        outside = 1 - ops.pad(ops.ones_like(images), [[0, 0], [0, below], [0, right], [0, 0]])
        padded = ops.pad(images, [[0, 0], [0, below], [0, right], [0, 0]])
        return padded + outside * ops.convert_to_tensor(self.colour, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape with both sides rounded up; an unknown side stays unknown."""
        sides = [side and side + self._missing(side) for side in input_shape[1:3]]
        return (input_shape[0], *sides, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"multiple": self.multiple, "colour": self.colour, "or_one_less": self.or_one_less}
        return {**super().get_config(), **own}

    def _missing(self, side: Any) -> Any:
        """Return the pixels that `side`, an integer or one of a graph, is short of a legal one."""
        missing = -side % self.multiple
        if not self.or_one_less:
            return missing
        return missing * (missing > 1 if isinstance(side, int) else ops.cast(missing > 1, "int32"))


@keras.saving.register_keras_serializable("roadseg")
class CutToSize(keras.layers.Layer):
    """Cuts a map to the height and width of another, from the upper left."""

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return [map, images]'s map (batch, height, width, channels) at the size of `images`."""
        logits, images = inputs
        height, width = ops.shape(images)[1:3]
        return logits[:, :height, :width]

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        """Return the map's batch and channels at the size of the images."""
        logits, images = input_shape
        return (logits[0], *images[1:3], logits[3])
