"""Samplers by density: predicted by a network, one for all images, or of the last frame."""

from typing import Any

import keras
from keras import ops

from roadseg.models.density_sampler import density_sampler, prior_sampler
from roadseg.ops.resize import resize_bilinear
from roadseg.sampling.equidistribution import SMOOTH, Equidistribution
from roadseg.sampling.grid import Size, Tensor, checked_size, number
from roadseg.sampling.sampler import DensityBased, ExactSampler, Sampler, UniformSampler


@keras.saving.register_keras_serializable("roadseg")
class DensitySampler(DensityBased):
    """Samples where a network expects boundaries.

    network: thumbnails (batch, height, width, 3) of one size, RGB 0..255, to logits (batch, rows,
        columns); None builds `density_sampler()`, whose untrained density is nearly uniform.
    Further options are those of `DensityBased`. A density that is no number gives the uniform grid.
    Raises ValueError for a network of another shape.
    """

    kind = "density"

    def __init__(self, network: keras.Model | None = None, **options: Any) -> None:
        """Put `network` before the solver."""
        network = density_sampler() if network is None else _checked(network, self.kind)
        if "cells" in options:
            raise ValueError("cells: those of the network, which says them; leave them out")
        # Targets from labels need the cells that the network predicts.
        options["cells"] = tuple(network.output_shape[1:3])
        super().__init__(**options)
        self.network = network
        self.equidistribution = Equidistribution(self.strength, **SMOOTH, name="equidistribution")
        self.built = True

    @property
    def input_size(self) -> tuple[int, int]:
        """Return (height, width) of the thumbnail that the network sees."""
        height, width = self.network.input_shape[1:3]
        return height, width

    def density(self, images: Tensor, training: bool | None = None) -> Tensor:
        """Return where boundaries are expected, (batch, rows, columns) float32, of sum 1."""
        return _softmax(self.logits(images, training))

    def logits(self, images: Tensor, training: bool | None = None) -> Tensor:
        """Return the logits of `density`, float32, for images of any size."""
        small = resize_bilinear(images, self.input_size)
        return ops.cast(self.network(small, training=training), "float32")

    def control(self, images: Tensor) -> Tensor:
        """Return the solved grid of the predicted density."""
        return self.equidistribution(self.density(images, training=False))

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the sampler."""
        config = super().get_config()
        # The output shape of the network says them.
        config.pop("cells")
        return {**config, "network": keras.saving.serialize_keras_object(self.network)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "Sampler":
        """Return the sampler that `get_config` describes."""
        network = keras.saving.deserialize_keras_object(config["network"], custom_objects)
        return cls(**{**config, "network": network})


@keras.saving.register_keras_serializable("roadseg")
class PriorSampler(DensitySampler):
    """Samples every image by one density, that of the training set; nothing is predicted.

    network: any images to the same logits; None: `prior_sampler(cells)`, uniform until it is set.
    cells: (rows, columns) of that one, 24x32 if None.
    """

    kind = "prior"

    def __init__(
        self,
        network: keras.Model | None = None,
        cells: tuple[int, int] | None = None,
        **options: Any,
    ) -> None:
        """Put the fixed density before the solver."""
        if network is not None and cells is not None:
            raise ValueError("cells: those of the network, which says them; leave them out")
        cells = (24, 32) if cells is None else checked_size(cells, "cells")
        super().__init__(prior_sampler(cells) if network is None else network, **options)

    @property
    def input_size(self) -> tuple[int, int]:
        """Return a size of images, which are not looked at."""
        return 1, 1

    def logits(self, images: Tensor, training: bool | None = None) -> Tensor:
        """Return the logarithm of the density, once for each image; only their number matters."""
        return ops.cast(self.network(images, training=training), "float32")

    def control(self, images: Tensor) -> Tensor:
        """Return the solved grid, solved once for all images."""
        one = self.equidistribution(self.density(images[:1], training=False))
        return ops.broadcast_to(one, (ops.shape(images)[0], *one.shape[1:]))

    def control_of_labels(self, labels: Tensor, ignore: int | None = 255) -> Tensor:
        """Return the same grid: labels do not matter."""
        return self.control(ops.zeros((ops.shape(labels)[0], 1, 1, 3), "float32"))


@keras.saving.register_keras_serializable("roadseg")
class PreviousSampler(DensityBased):
    """For video: samples a frame by the labels that the frame before it was given.

    first: the sampler of a frame without one before it; None: uniform.
    spread: standard deviation, in cells, by which boundaries may have moved between two frames.
    Raises ValueError for a `first` that is no sampler, or one that needs labels.
    """

    kind = "previous"

    def __init__(self, first: Sampler | None = None, spread: float = 1.0, **options: Any) -> None:
        """Make the sampler; its weights are those of `first`."""
        if "blur" in options:
            raise ValueError("blur: of this sampler it is called spread")
        if isinstance(first, ExactSampler) or not isinstance(first, Sampler | None):
            raise ValueError(
                f"first={first!r} is a Sampler that needs no labels, such as "
                'make_sampler("density", run=RUN)'
            )
        # Blurred, the boundaries of the last labels cover the cells they may have moved to.
        options["blur"] = number(spread, "spread", "a finite number of 0 or more", 0.0)
        super().__init__(**options)
        self.first = UniformSampler() if first is None else first
        self.built = True

    def control(self, images: Tensor) -> Tensor:
        """Return the grid of frames without a frame before them."""
        return self.first.control(images)

    def grid(self, images: Tensor, size: Size) -> Tensor:
        """Return where `first` samples; later frames: `grid_of_labels` of the labels before."""
        return self.first.grid(images, size)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the sampler."""
        config = super().get_config()
        config["spread"] = config.pop("blur")
        return {**config, "first": keras.saving.serialize_keras_object(self.first)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "PreviousSampler":
        """Return the sampler that `get_config` describes."""
        first = keras.saving.deserialize_keras_object(config["first"], custom_objects)
        return cls(**{**config, "first": first})


def _softmax(logits: Tensor) -> Tensor:
    shape = ops.shape(logits)
    flat = ops.softmax(ops.reshape(logits, (shape[0], -1)), axis=-1)
    return ops.reshape(flat, (-1, *logits.shape[1:]))


def _checked(network: keras.Model, kind: str) -> keras.Model:
    if not isinstance(network, keras.Model):
        raise ValueError(f"network is a Keras model; got {network!r}")
    given, found = tuple(network.input_shape), tuple(network.output_shape)
    known = len(given) == 4 and given[3] == 3 and len(found) == 3 and None not in found[1:]
    # A prior does not look at images, so theirs may be of any size.
    if not known or min(found[1:]) < 2 or (kind == "density" and None in given[1:3]):
        raise ValueError(
            "a density network maps (batch, height, width, 3) of one size to (batch, rows, "
            f"columns), each at least 2; '{network.name}' maps {given} to {found}"
        )
    return network
