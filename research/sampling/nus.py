"""The published sampler: an 8x8 control grid whose points lie near boundaries."""

from collections.abc import Iterable
from typing import Any, Literal

import keras
from keras import ops

from roadseg.label_tables.class_ids import class_ids
from roadseg.models.nus_sampler import nus_sampler
from roadseg.ops.resize import resize_bilinear
from roadseg.sampling.grid import Tensor, number, uniform_grid
from roadseg.sampling.sampler import Sampler
from roadseg.sampling.targets import boundary_targets

Resize = Literal["aligned", "nus"]


@keras.saving.register_keras_serializable("roadseg")
class NusSampler(Sampler):
    """Samples near the boundary nearest to each of a few control points, as published.

    Called, it gives the raw control grid of RGB images 0..255 of any size, (batch, h, w, 2).

    network: what sees the small image, RGB 0..255 of one fixed size to (batch, h, w, 2), (row,
        column); None builds the published one (64x64 to 8x8 points).
    resize: how the image reaches that size. "aligned": bilinearly with aligned corners, always.
        "nus": so in training only; in inference without aligned corners, which takes every
        16th pixel of 1024. Use it for weights that were trained and published that way.
    alpha, target_classes: of `control_of_labels`; see `boundary_targets`.
    Coordinates are float32 under every precision policy; `network` keeps its own.
    Raises ValueError for a network of another shape or another word in `resize`.
    Source: adaptive-sampling, nus.py; Marin et al. 2019, section 3.
    """

    kind = "nus"

    def __init__(
        self,
        network: keras.Model | None = None,
        resize: Resize = "aligned",
        alpha: float = 0.5,
        target_classes: Iterable[int] = (),
        **options: Any,
    ) -> None:
        """Wrap `network`; `options` are those of every Keras model (`name`, `trainable`)."""
        super().__init__(**options)
        if resize not in ("aligned", "nus"):
            raise ValueError(f"resize={resize!r}; there are 'aligned' and 'nus'")
        self.network = nus_sampler() if network is None else _checked(network)
        self.resize = resize
        self.alpha = number(alpha, "alpha", "above 0, at most 1")
        if not 0 < self.alpha <= 1:
            raise ValueError(f"alpha={alpha!r} is above 0, at most 1")
        self.target_classes = class_ids(target_classes)
        self.built = True

    @property
    def input_size(self) -> tuple[int, int]:
        """Return (height, width) of the image that the wrapped network sees."""
        height, width = self.network.input_shape[1:3]
        return height, width

    @property
    def grid_size(self) -> tuple[int, int]:
        """Return (rows, columns) of the predicted grid."""
        height, width = self.network.output_shape[1:3]
        return height, width

    def call(self, images: Tensor, training: bool | None = None) -> Tensor:
        """Return the raw sampling grid, neither projected nor clipped, (batch, h, w, 2) float32."""
        aligned = self.resize == "aligned" or bool(training)
        small = resize_bilinear(images, self.input_size, align_corners=aligned)
        return ops.cast(self.network(small, training=training), "float32")

    def control(self, images: Tensor) -> Tensor:
        """Return the raw grid in inference; of an image that gives no numbers, the uniform one."""
        raw = self(images, training=False)
        sound = ops.all(ops.isfinite(raw), axis=(1, 2, 3), keepdims=True)
        return ops.where(sound, raw, uniform_grid(self.grid_size))

    def control_of_labels(self, labels: Tensor, ignore: int | None = 255) -> Tensor:
        """Return the exact target grid, of as many points as the network predicts."""
        return boundary_targets(labels, self.grid_size, self.alpha, self.target_classes, ignore)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the model."""
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.network),
            "resize": self.resize,
            "alpha": self.alpha,
            "target_classes": self.target_classes,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "NusSampler":
        """Return the model that `get_config` describes."""
        network = keras.saving.deserialize_keras_object(config["network"], custom_objects)
        return cls(**{**config, "network": network})


def _checked(network: keras.Model) -> keras.Model:
    if not isinstance(network, keras.Model):
        raise ValueError(f"network is a Keras model; got {network!r}")
    shapes = (tuple(network.input_shape), tuple(network.output_shape))
    known = all(len(shape) == 4 and None not in shape[1:] for shape in shapes)
    if not known or shapes[0][3] != 3 or shapes[1][3] != 2 or min(shapes[1][1:3]) < 2:
        raise ValueError(
            "an auxiliary network maps (batch, height, width, 3) of one size to (batch, h, w, 2) "
            f"with h, w of at least 2; '{network.name}' maps {shapes[0]} to {shapes[1]}"
        )
    return network
