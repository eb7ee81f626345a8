"""From an image of any size to labels: the one way, whatever the network is and where it is from.

`roadseg.load` makes such objects of a name, a run folder, an export or a `.keras` file.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.inference.averaging import averaged_logits, check_tile
from roadseg.inference.class_logits import ClassLogits, class_logits_of
from roadseg.inference.exported import FileForward
from roadseg.inference.forward import Forward, best_share, outputs_by_name, outputs_of
from roadseg.inference.images import Reader, at_height, batch_of, picked
from roadseg.label_tables.label_table import LabelTable
from roadseg.ops.best_class import best_class
from roadseg.ops.nv12 import refuse_odd
from roadseg.recipe.protocol import Protocol


@dataclass(frozen=True)
class Prediction:
    """What was found in images; without the batch axis where there was none."""

    labels: np.ndarray
    """(batch, height, width) int32 train ids; an output that is no class is the ignore value."""
    confidence: np.ndarray | None = None
    """(batch, height, width) float32, share of the best class by softmax; None unless asked for."""
    locations: np.ndarray | None = None
    """(batch, points, 2) float32, (row, column) 0..1, where images were sampled; None without."""


class Inference:
    """A network, its classes and a protocol, ready for images of any size.

    Images are RGB, (height, width, 3) or (batch, height, width, 3), integers or floats 0..255, or
    the path of a picture; answers have the batch axis where the question had it.
    There is one compiled function, traced once whatever sizes come in whatever order.
    """

    def __init__(
        self,
        model: Any,
        label_table: LabelTable,
        protocol: Protocol | None = None,
        *,
        outputs: Mapping[str, Callable[[Any], Any]] | None = None,
        forward: Forward | FileForward | None = None,
        read: Reader | None = None,
        title: str = "",
        size: tuple[int, int] | None = None,
    ) -> None:
        """Take a network from RGB 0..255 at any size to class logits at that size.

        protocol: how images are shown to it: whole (None), or in tiles, flipped, at several scales,
            whose logits are averaged; it then knows no sampling points.
        outputs: functions of images (batch, height, width, 3) float in place of calling `model`:
            'logits', 'labels', 'locations', of which one of the first two has to be there.
        forward: what calls them, in place of `outputs`: that of an exported file.
        read: reads pictures by their path. title: what this is, for messages.
        Its `has_logits` says whether there are logits and confidences, not labels alone.
        size: height and width of the one image that `outputs` take at a time, images of a batch
            one after the other; None for any images.
        Raises RoadsegError for tiles of a size that the network does not take, and for an export
        without logits, or of another upsampling, where they are needed.
        """
        self.model = model
        self.label_table = label_table
        self.title = title or str(getattr(model, "name", "network"))
        if forward is None:
            forward = Forward(outputs_by_name(outputs) if outputs else outputs_of(model))
            if outputs and "logits" not in outputs:
                forward.gives = frozenset({"labels"})
        self._forward = forward
        self.has_logits = "logits" in forward.gives
        self._read = read
        self._size = size
        self._show_by(protocol or Protocol())

    def by_protocol(self, protocol: Protocol) -> Self:
        """Return the same network, shown images by another protocol; raises as `Inference`."""
        # Shallow, so that both share the network and its compiled function.
        made = copy.copy(self)
        made._show_by(protocol)
        if not protocol.is_whole:
            made.title = f"{self.title}, {protocol.shown}"
        return made

    def _show_by(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self._logits_of: ClassLogits | None = None
        if not protocol.is_whole:
            self._logits_of = class_logits_of(self.model, protocol.upsampling)
            check_tile(protocol, self._logits_of)

    @property
    def trace_count(self) -> int:
        """How often the network was traced so far: never more than once."""
        return self._forward.trace_count

    def __call__(self, images: Any, *, confidence: bool = False) -> Prediction:
        """Return the labels of `images`, where they were sampled, and how sure they are."""
        asked = ("labels", "confidence") if confidence else ("labels",)
        found, single = self._found(images, *asked)
        locations = found.get("locations")
        if locations is not None:
            locations = locations.reshape(len(locations), -1, 2)
        prediction = Prediction(self._classes(found["labels"]), found.get("confidence"), locations)
        return _first(prediction) if single else prediction

    def predict_labels(self, images: Any) -> np.ndarray:
        """Return train ids (batch, height, width) int32."""
        return self(images).labels

    def predict_logits(self, images: Any) -> np.ndarray:
        """Return logits (batch, height, width, outputs) float32 at the size of the images.

        A network with an output that is no class has it last.
        """
        found, single = self._found(images, "logits")
        return found["logits"][0] if single else found["logits"]

    def predict_confidence(self, images: Any) -> np.ndarray:
        """Return the share of the best class, 0..1, (batch, height, width) float32."""
        found, single = self._found(images, "confidence")
        return found["confidence"][0] if single else found["confidence"]

    def overlay(self, image: Any, labels: np.ndarray | None = None) -> np.ndarray:
        """Return one image under the colours of `labels` (height, width), RGB uint8.

        labels: None: those that this network finds.
        """
        from roadseg.drawing.labels import overlay

        shown, single = batch_of(image, self._read)
        if not single:
            raise RoadsegError(
                f"images of shape {shown.shape}: an overlay is of one; give image[0]"
            )
        found = self.predict_labels(shown[0]) if labels is None else np.asarray(labels)
        if found.shape != shown.shape[1:3]:
            raise RoadsegError(
                f"labels of shape {found.shape} on an image of {shown.shape[1:3]}; give the labels "
                "of this image"
            )
        return overlay(np.rint(shown[0]).astype(np.uint8), found, self.label_table)

    def _found(self, images: Any, *asked: str) -> tuple[dict[str, np.ndarray], bool]:
        """Return what is asked for, with the batch axis, at the size of the images."""
        batch, single = batch_of(images, self._read)
        size = batch.shape[1], batch.shape[2]
        protocol = self.protocol
        height = protocol.input_height
        shown = at_height(batch, height, protocol.input_resize) if height else batch
        find = self._of_network if self._logits_of is None else self._of_average
        found = find(shown, asked)
        maps = {name: picked(found[name], size) for name in asked}
        return maps | {name: found[name] for name in ("locations",) if name in found}, single

    def _of_network(self, images: np.ndarray, asked: tuple[str, ...]) -> dict[str, np.ndarray]:
        for name in asked:
            if name not in self._forward.gives:
                given = ", ".join(sorted(self._forward.gives))
                raise RoadsegError(
                    f"{self.title}: gives {given} alone, no {name}; export the run again with "
                    f"--outputs {given.replace(',', '')} {name}, or give the run"
                )
        self._refuse_size(images.shape)
        if self._size is not None and len(images) > 1:  # one image at a time
            alone = [self._of_network(image[None], asked) for image in images]
            return {name: np.concatenate([one[name] for one in alone]) for name in alone[0]}
        found = self._forward(images, *asked)
        self._refuse_broken(bool(found.pop("broken", False)))
        return found

    def _of_average(self, images: np.ndarray, asked: tuple[str, ...]) -> dict[str, np.ndarray]:
        assert self._logits_of is not None
        of_images: list[dict[str, np.ndarray]] = []
        for image in images:
            logits = averaged_logits(image, self._logits_of, self.protocol)
            self._refuse_broken(bool(np.isnan(logits.sum())))
            of_images.append(_asked_of(logits, asked))
        return {name: np.stack([found[name] for found in of_images]) for name in asked}

    def _refuse_size(self, shape: tuple[int, ...]) -> None:
        if getattr(self.model, "is_nv12", False):
            refuse_odd(shape[1:3], f"{self.title}: image of")
        if self._size is None or shape[1:3] == self._size:
            return
        given, one = ("x".join(map(str, size)) for size in (shape[1:3], self._size))
        rows, columns = self._size
        fits = round(shape[2] * rows / shape[1]) == columns
        way_out = f"add --input-height {rows}" if fits else "give such an image"
        raise RoadsegError(
            f"{self.title}: takes images of {one} alone, got {given}; {way_out}, or export the run "
            f"again with --size {given}"
        )

    def _refuse_broken(self, broken: bool) -> None:
        if broken:
            raise RoadsegError(
                f"{self.title}: gives logits that are no numbers; take a checkpoint from before "
                "the training broke down"
            )

    def _classes(self, labels: np.ndarray) -> np.ndarray:
        """Return `labels` with the ignore value for outputs that are no class."""
        table = self.label_table
        return np.where(labels < table.num_classes, labels, table.ignore).astype(np.int32)


def _first(found: Prediction) -> Prediction:
    """Return what was found in the first image, without the batch axis."""
    return Prediction(
        found.labels[0],
        None if found.confidence is None else found.confidence[0],
        None if found.locations is None else found.locations[0],
    )


def _asked_of(logits: np.ndarray, asked: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return what is asked for of the averaged logits (height, width, classes) of one image."""
    from keras import ops

    found = {"logits": logits}
    if "labels" in asked:
        found["labels"] = ops.convert_to_numpy(best_class(ops.convert_to_tensor(logits)))
    if "confidence" in asked:
        found["confidence"] = ops.convert_to_numpy(best_share(ops.convert_to_tensor(logits)))
    return found
