"""Any segmentation network behind learned sampling: full-size images in, full-size logits out."""

from typing import Any

import keras
from keras import ops

from roadseg.layers.heads import main_logits
from roadseg.ops.resize import resize_bilinear
from roadseg.sampling.grid import Size, Tensor, checked_images, checked_size
from roadseg.sampling.registry import as_sampler
from roadseg.sampling.sample import sample
from roadseg.sampling.sampler import Sampler
from roadseg.sampling.unsample import METHODS, unsample
from roadseg.sampling.windows import Axis, cover, cut, stitch, to_image


@keras.saving.register_keras_serializable("roadseg")
class SampledSegmenter(keras.Model):
    """Samples an image where it matters, runs a network there, and interpolates its logits back.

    network: any Keras model from RGB 0..255 (batch, h, w, 3) to class logits (batch, h', w',
        classes), or to a dictionary with these as "logits"; logits of another size than the
        samples are resized, bilinearly with aligned corners.
    sampler: says where to sample: a `Sampler`, or the name of one that needs no run ("uniform").
        It is frozen: inference mode, and not among the trainable variables.
    size: samples per column and row, (height, width) or one integer.
    window: None: the whole image is sampled at once, whatever its aspect. (height, width): an image
        of another aspect is covered by several windows, each sampled on its own, as published;
        each pixel takes the window whose centre is nearest.
    method: how `unsample` interpolates.
    Coordinates and un-sampling are float32; `network` keeps its precision policy.
    Raises ValueError for arguments of other types or shapes, and for images that are not RGB.
    Source: Marin et al. 2019; adaptive-sampling, eval.py.
    """

    def __init__(
        self,
        network: keras.Model,
        sampler: Sampler | str = "uniform",
        size: Size = 128,
        window: tuple[int, int] | None = None,
        method: str = "two_pass",
        name: str = "sampled_segmenter",
        **options: Any,
    ) -> None:
        """Put `network` between sampling and un-sampling."""
        options.setdefault("dtype", "float32")
        super().__init__(name=name, **options)
        self.size = checked_size(size, "size")
        self.network = _checked_network(network, self.size)
        self.sampler = as_sampler(sampler)
        self.window = None if window is None else checked_size(window, "window")
        if method not in METHODS:
            raise ValueError(f"method={method!r}; there are {', '.join(METHODS)}")
        self.method = method
        self.built = True

    def call(self, images: Tensor, training: bool | None = None) -> Tensor:
        """Return class logits (batch, height, width, classes) float32 of RGB images 0..255."""
        return self._segment(images, None, training, argmax=False)

    def labels(self, images: Tensor, grid: Tensor | None = None, skip: bool = True) -> Tensor:
        """Return the best class of every pixel, (batch, height, width) int32.

        grid: where to sample, as `sampled` returns it; None asks the sampler.
        skip: as in `unsample`; pass False in a function that XLA compiles.
        """
        return self._segment(images, grid, False, argmax=True, skip=skip)

    def sampled(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sampled images (n, h, w, 3) and their grids (n, h, w, 2) of 0..1.

        n is the batch, or batch * views, in which case each grid is that of its view.
        """
        views = self.views(images)
        grid = self.grid(views)
        return sample(views, grid), grid

    def views(self, images: Tensor) -> Tensor:
        """Return what is sampled, (n, height, width, 3): the images, or their views; n as above."""
        images, axes = self._covered(images)
        return images if axes is None else cut(images, axes)

    def grid(self, views: Tensor) -> Tensor:
        """Return where to sample `views`, (n, h, w, 2) of 0..1."""
        return self.sampler.grid(views, self.size)

    def logits_at(self, views: Tensor, grid: Tensor, training: bool | None = None) -> Tensor:
        """Return the class logits (n, h, w, classes), float32, of the samples of `views`."""
        logits = self.network(ops.cast(sample(views, grid), "float32"), training=training)
        return resize_bilinear(
            ops.cast(main_logits(logits), "float32"), self.size, align_corners=True
        )

    def unsampled(
        self,
        images: Tensor,
        logits: Tensor,
        grid: Tensor,
        argmax: bool = False,
        skip: bool = True,
        portable: bool = False,
    ) -> Tensor:
        """Return what `logits_at` gave at `grid` for every pixel of `images`.

        Returns logits (batch, height, width, classes) float32, or with `argmax` the best classes
        (batch, height, width) int32. skip, portable: as in `unsample`.
        """
        images, axes = self._covered(images)
        size = ops.shape(images)[1:3] if axes is None else tuple(axis.extent for axis in axes)
        full = unsample(logits, grid, size, argmax, self.method, skip, portable)
        if axes is None:
            return full
        return stitch(ops.expand_dims(full, -1), axes)[..., 0] if argmax else stitch(full, axes)

    def locations(self, images: Tensor, grid: Tensor | None = None) -> Tensor:
        """Return where each image is sampled, (batch, views, h, w, 2), 0..1 of the whole image.

        grid: as `sampled` returns it; None asks the sampler.
        """
        images, axes = self._covered(images)
        if grid is None:
            grid = self.grid(self.views(images))
        grid = ops.reshape(grid, (ops.shape(images)[0], -1, *self.size, 2))
        return grid if axes is None else to_image(grid, axes)

    def _covered(self, images: Tensor) -> tuple[Tensor, tuple[Axis, Axis] | None]:
        images = checked_images(images)
        return images, None if self.window is None else cover(ops.shape(images)[1:3], self.window)

    def _segment(
        self,
        images: Tensor,
        grid: Tensor | None,
        training: bool | None,
        argmax: bool,
        skip: bool = True,
    ) -> Tensor:
        views = self.views(images)
        if grid is None:
            grid = self.grid(views)
        return self.unsampled(images, self.logits_at(views, grid, training), grid, argmax, skip)

    @property
    def trainable_variables(self) -> list[Any]:
        """Return the network's; the sampler is frozen."""
        return self.network.trainable_variables if self.trainable else []

    @property
    def trainable_weights(self) -> list[Any]:
        """Return the network's; the sampler is frozen."""
        return self.network.trainable_weights if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Any]:
        """Return every other variable, the sampler's among them."""
        return _without(self.variables, self.trainable_variables)

    @property
    def non_trainable_weights(self) -> list[Any]:
        """Return every other weight, the sampler's among them."""
        return _without(self.weights, self.trainable_weights)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the model."""
        return {
            **super().get_config(),
            "name": self.name,
            "network": keras.saving.serialize_keras_object(self.network),
            "sampler": keras.saving.serialize_keras_object(self.sampler),
            "size": self.size,
            "window": self.window,
            "method": self.method,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "SampledSegmenter":
        """Return the model that `get_config` describes."""
        config = dict(config)
        for part in ("network", "sampler"):
            config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects)
        return cls(**config)


def sample_batch(
    images: Tensor, labels: Tensor, sampler: Sampler, size: Size
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what a network behind sampling trains on: sampled images, sampled labels, the grid.

    images: (batch, height, width, 3) RGB 0..255; labels: (batch, height, width) of any integers.
    Returns (batch, h, w, 3), (batch, h, w) and (batch, h, w, 2), the first two in their own types.
    Source: adaptive-sampling, nus.py: image and label are sampled at the same pixels.
    """
    grid = sampler.grid(images, size)
    return sample(images, grid), sample(labels, grid), grid


def _without(variables: list[Any], removed: list[Any]) -> list[Any]:
    # By identity: Keras compares the values of variables, element by element.
    identities = {id(variable) for variable in removed}
    return [variable for variable in variables if id(variable) not in identities]


def _check_logits(network: Any) -> None:
    """Raise ValueError for outputs that are known, and no maps of logits."""
    # A subclassed model has none before it is called.
    given = getattr(network, "output", None)
    if isinstance(given, dict) and "logits" not in given:
        raise ValueError(
            f"'{network.name}' gives {', '.join(map(repr, given))}; name its logits 'logits'"
        )
    given = given["logits"] if isinstance(given, dict) else given
    shape = getattr(given, "shape", None)
    if shape is not None and len(shape) != 4:
        raise ValueError(f"'{network.name}' gives {shape}, no logits (batch, h, w, classes)")


def _checked_network(network: Any, size: tuple[int, int]) -> keras.Model:
    if not isinstance(network, keras.layers.Layer):
        raise ValueError(f"network is a Keras model; got {network!r}")
    _check_logits(network)
    shape = getattr(network, "input_shape", None)
    # A subclassed model may not know its input before it is called.
    if not isinstance(shape, tuple) or len(shape) != 4:
        return network
    fits = all(known in (None, side) for known, side in zip(shape[1:3], size, strict=True))
    if not fits or shape[3] not in (None, 3):
        raise ValueError(
            f"'{network.name}' takes images of shape {shape[1:]}, and would get "
            f"{(*size, 3)}; build it for that size or with unknown height and width"
        )
    return network
