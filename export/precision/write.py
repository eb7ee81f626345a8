"""Writes a network in less than single precision, and says what is known of the file."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.export.calibration import Calibration, at_size, read_calibration
from roadseg.export.converters import refused
from roadseg.export.precision.options import Precision
from roadseg.export.precision.search import Quantiser, write_in_8_bits
from roadseg.export.verdict import Keras

if TYPE_CHECKING:
    import keras

Size = tuple[int, int]
Run = Callable[[np.ndarray], dict[str, np.ndarray]]
# Images of the calibration on which layers are compared; and others, on which the file is judged
# where there are no labels.
COMPARED, JUDGED = 8, 16


def way_of(format_name: str) -> tuple[Callable[..., Quantiser], Callable[..., None], str]:
    """Return what quantises for a format, what writes it in half precision, and its file's name."""
    if format_name == "litert":
        from roadseg.export.litert import FILE
        from roadseg.export.precision.litert import LiteRTQuantiser, write_half

        return LiteRTQuantiser, write_half, FILE
    if format_name == "onnx":
        from roadseg.export.onnx import FILE
        from roadseg.export.precision.onnx import OnnxQuantiser, write_half

        return OnnxQuantiser, write_half, FILE
    from roadseg.export.openvino import FILE
    from roadseg.export.precision.openvino import OpenvinoQuantiser, write_half

    return OpenvinoQuantiser, write_half, FILE


def calibration_of(options: Precision, records: Path | None) -> Calibration:
    """Return the images to measure ranges on. records: those of the run, if they are there."""
    path = options.calibration if options.calibration is not None else records
    return read_calibration(path, options.calibration_images, options.seed, JUDGED)


def write_int8(
    model: "keras.Model", format_name: str, images: Sequence[np.ndarray], size: Size, folder: Path
) -> dict[str, Any]:
    """Write `model` in 8 bits to `folder`, for images of `size`; return what the card says of it.

    images: (height, width, 3) uint8 of any sizes, to measure ranges on.
    """
    quantiser_of, _, file = way_of(format_name)
    shown = [at_size(image, size) for image in images]
    with refused(f"{format_name} in int8", folder):
        quantiser = quantiser_of(model, size, shown)
        compared = shown[:COMPARED]
        reference = Keras(model, size)
        labels = [reference.labels(image) for image in compared]
        kept = write_in_8_bits(quantiser, folder / file, compared, labels)
    return kept.to_card(quantiser)


def write_float16(model: "keras.Model", format_name: str, size: Size | None, folder: Path) -> None:
    """Write `model` in half precision to `folder`, for images of `size` or of any."""
    _, write_half, file = way_of(format_name)
    with refused(f"{format_name} in float16", folder):
        write_half(model, size, folder / file)
