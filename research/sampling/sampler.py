"""What every sampler offers: where to sample images, and where true labels would have it."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
from keras import ops

from roadseg.errors import RoadsegError
from roadseg.label_tables.class_ids import class_ids
from roadseg.sampling.density_targets import boundary_density, cells_of
from roadseg.sampling.equidistribution import SHARP, Equidistribution
from roadseg.sampling.grid import (
    Size,
    Tensor,
    checked_images,
    checked_labels,
    checked_size,
    enlarge,
    number,
    project,
    uniform_grid,
)


@keras.saving.register_keras_serializable("roadseg")
class Sampler(keras.Model):
    """Says where to sample an image; a Keras model, saved and counted with the network behind it.

    A grid is (batch, rows, columns, 2) float32, (row, column) of 0..1 from the centre of the first
    pixel to that of the last, its border on the image's. Samplers differ in `control`, a coarser
    grid of any size that is brought to the size asked for.
    """

    kind = ""
    """Name in `list_samplers()`."""

    def __init__(self, name: str | None = None, **options: Any) -> None:
        """Take the options of every Keras model; coordinates are float32 under every policy."""
        options["dtype"] = "float32"
        super().__init__(name=name or f"{self.kind}_sampler", **options)

    def control(self, images: Tensor) -> Tensor:
        """Return the control grid of RGB images 0..255, (batch, h, w, 2), not yet projected."""
        raise NotImplementedError

    def control_of_labels(self, labels: Tensor, ignore: int | None = 255) -> Tensor:
        """Return the control grid that true labels (batch, height, width) ask for."""
        raise NotImplementedError

    def grid(self, images: Tensor, size: Size) -> Tensor:
        """Return where to sample `images` (batch, height, width, 3), RGB 0..255, any type.

        size: samples per column and row, (rows, columns) or one integer.
        Inference: batch normalisation uses its running statistics, and no gradient comes back.
        Raises ValueError for no images, and for others than RGB.
        """
        images = checked_images(images)
        return ops.stop_gradient(enlarge(project(self.control(images)), size))

    def grid_of_labels(self, labels: Tensor, size: Size, ignore: int | None = 255) -> Tensor:
        """Return where true labels (batch, height, width) would have their images sampled.

        No trained weights are needed but those of `prior`. ignore: label of pixels without one.
        Raises ValueError for no maps, another rank, and labels that are no integers.
        """
        control = self.control_of_labels(checked_labels(labels), ignore)
        return ops.stop_gradient(enlarge(project(control), size))

    def call(self, images: Tensor, training: bool | None = None) -> Tensor:
        """Return the control grid of `images`."""
        return self.control(images)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the sampler."""
        config = super().get_config()
        # It is float32 always, and no argument of any sampler.
        config.pop("dtype", None)
        return {**config, "name": self.name}


@keras.saving.register_keras_serializable("roadseg")
class UniformSampler(Sampler):
    """Samples evenly, whatever the image."""

    kind = "uniform"

    def __init__(self, **options: Any) -> None:
        """Make the sampler, which has no weights."""
        super().__init__(**options)
        self.built = True

    def control(self, images: Tensor) -> Tensor:
        """Return the corners of each image."""
        # Corners suffice: enlarging is linear.
        return uniform_grid(2, ops.shape(images)[0])

    def control_of_labels(self, labels: Tensor, ignore: int | None = 255) -> Tensor:
        """Return the corners of each map; its labels do not matter."""
        return uniform_grid(2, ops.shape(labels)[0])

    def grid(self, images: Tensor, size: Size) -> Tensor:
        """Return the uniform grid itself: enlarged corners would differ by rounding."""
        return uniform_grid(size, ops.shape(checked_images(images))[0])

    def grid_of_labels(self, labels: Tensor, size: Size, ignore: int | None = 255) -> Tensor:
        """Return the uniform grid itself."""
        return uniform_grid(size, ops.shape(checked_labels(labels))[0])


class DensityBased(Sampler):
    """What samplers by density share: targets from labels, and the solver.

    strength: see `Equidistribution`. cells: (rows, columns) of a density; None: by the aspect of
        the label map, see `cells_of`. target_classes: train ids whose boundaries count, none for
        all. class_weights: what a boundary pixel counts by its class, none for 1 each. blur: of
        targets, in cells.
    """

    def __init__(
        self,
        strength: float = 0.6,
        cells: tuple[int, int] | None = None,
        target_classes: Iterable[int] = (),
        class_weights: Sequence[float] = (),
        blur: float = 0.5,
        **options: Any,
    ) -> None:
        """Keep what makes targets."""
        super().__init__(**options)
        self.strength = number(strength, "strength", "from 0 to below 1")
        self.cells = None if cells is None else checked_size(cells, "cells")
        self.target_classes = class_ids(target_classes)
        wanted = "a finite number of 0 or more"
        self.class_weights = tuple(
            number(weight, f"class_weights[{place}]", wanted, 0.0)
            for place, weight in enumerate(_listed(class_weights))
        )
        self.blur = number(blur, "blur", wanted, 0.0)
        self.sharp = Equidistribution(self.strength, **SHARP, name="equidistribution_of_labels")

    def control_of_labels(self, labels: Tensor, ignore: int | None = 255) -> Tensor:
        """Return the grid of the true density of `labels`; a map without boundary: uniform."""
        cells = self.cells
        if cells is None:
            size = tuple(labels.shape[1:3])
            if None in size:
                raise ValueError("labels of unknown size: give the sampler its cells")
            cells = cells_of(size)
        return self.sharp(self.density_of_labels(labels, cells, ignore))

    def density_of_labels(
        self, labels: Tensor, cells: tuple[int, int], ignore: int | None = 255
    ) -> Tensor:
        """Return where the boundaries of `labels` lie, (batch, *cells) float32, of sum 1."""
        wanted, weights = self.target_classes, self.class_weights
        return boundary_density(labels, cells, wanted, ignore, self.blur, weights)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the sampler."""
        return {
            **super().get_config(),
            "strength": self.strength,
            "cells": self.cells,
            "target_classes": self.target_classes,
            "class_weights": self.class_weights,
            "blur": self.blur,
        }


def _listed(weights: Any) -> list[Any]:
    try:
        return list(weights)
    except TypeError:
        raise ValueError(f"class_weights={weights!r} is a list of numbers, one a class") from None


@keras.saving.register_keras_serializable("roadseg")
class ExactSampler(DensityBased):
    """Samples by the true boundaries of labels: a ceiling for oracles, of no use on images."""

    kind = "exact"

    def __init__(self, **options: Any) -> None:
        """Make the sampler, which has no weights."""
        super().__init__(**options)
        self.built = True

    def control(self, images: Tensor) -> Tensor:
        """Raise RoadsegError: there is nothing to predict with."""
        raise RoadsegError(
            "sampler 'exact' needs true labels and finds nothing in images: use grid_of_labels, "
            "or another sampler"
        )
