"""Writes a network in less than single precision, and says what is known of the file."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.export.calibration import Calibration, read_calibration
from roadseg.export.converters import refused
from roadseg.export.formats import Format
from roadseg.export.interface import LABELS_OF_RGB, Interface
from roadseg.export.precision.options import Precision
from roadseg.export.precision.search import Quantiser, Search
from roadseg.export.verdict import Keras
from roadseg.export.views import Views

if TYPE_CHECKING:
    import keras

Size = tuple[int, int]
# Images of the calibration on which layers are compared; and others, on which the file is judged
# where there are no labels.
COMPARED, JUDGED = 8, 16


def calibration_of(
    options: Precision, records: Path | None, views: Sequence[str] = ()
) -> Calibration:
    """Return the images to measure ranges on, of each camera of `views` one.

    records: those of the run, if they are there.
    """
    path = options.calibration if options.calibration is not None else records
    return read_calibration(path, options.calibration_images, options.seed, JUDGED, views)


def write_int8(
    model: "keras.Model",
    kind: Format,
    images: Sequence[Views],
    size: Size,
    folder: Path,
    interface: Interface = LABELS_OF_RGB,
) -> "Int8":
    """Write `model` in 8 bits to `folder`, for images of `size`; return what is known of the file.

    images: (height, width, 3) uint8 of any sizes, to measure ranges on.
    """
    reference = Keras(model, size, interface)
    frames = [reference.shown(image) for image in images]
    refusal = partial(refused, f"{kind.name} in int8", folder)
    with refusal():
        quantiser = kind.quantiser_class(model, size, frames, interface)
        compared = frames[:COMPARED]
        labels = [reference.labels(frame) for frame in compared]
        search = Search(quantiser, folder / kind.file, compared, labels)
        return Int8(search.first().to_card(quantiser), quantiser, search, refusal)


@dataclass
class Int8:
    """A file in 8 bits that was written, and the way to one with more layers in float."""

    card: dict[str, Any]
    """What the model card says of it."""
    _quantiser: Quantiser
    _search: Search
    _refusal: Callable[[], AbstractContextManager[None]]

    def further(self) -> bool:
        """Write the file anew with more layers in float; return False where that saves nothing."""
        with self._refusal():
            kept = self._search.further()
        if kept is not None:
            self.card = kept.to_card(self._quantiser)
        return kept is not None


def write_float16(
    model: "keras.Model",
    kind: Format,
    size: Size | None,
    folder: Path,
    interface: Interface = LABELS_OF_RGB,
) -> None:
    """Write `model` in half precision to `folder`, for images of `size` or of any."""
    with refused(f"{kind.name} in float16", folder):
        kind.write_half(model, size, folder / kind.file, interface)
