"""What goes into an exported model and what comes out of it: what a user chooses, and in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.export.formats import FORMATS, Format
from roadseg.ops.nv12 import frames_of, refuse_odd, rgb_of, rows_of

Size = tuple[int, int]
OUTPUTS = ("labels", "logits", "probabilities", "confidence")
"""What there is for each pixel, in the order in which a file gives them."""
INPUT_FORMATS = ("rgb", "nv12")


@dataclass(frozen=True)
class Interface:
    """The input and the outputs of an exported model, as far as they can be chosen."""

    outputs: tuple[str, ...] = ("labels",)
    """Of OUTPUTS."""
    input_format: str = "rgb"
    """One of INPUT_FORMATS."""

    @property
    def is_nv12(self) -> bool:
        """Whether frames of NV12 go in."""
        return self.input_format == "nv12"

    def refuse_early(self, kind: Format, size: Size | None, judged: bool) -> None:
        """Raise RoadsegError for names that there are none of, and for what does not fit.

        judged: whether labels of the file will be compared.
        """
        for name in self.outputs:
            if name not in OUTPUTS:
                raise RoadsegError(f"--outputs {name}: there is {', '.join(OUTPUTS)}")
        if not self.outputs or len(set(self.outputs)) < len(self.outputs):
            raise RoadsegError(
                f"--outputs {' '.join(self.outputs)}: give one or more of {', '.join(OUTPUTS)}, "
                "each once"
            )
        if judged and self.outputs == ("confidence",):
            raise RoadsegError(
                "--outputs confidence: without labels, which the file is judged by; give "
                "--outputs labels confidence, or --precision float32 without --records"
            )
        if self.input_format not in INPUT_FORMATS:
            raise RoadsegError(
                f"--input-format {self.input_format}: there is {', '.join(INPUT_FORMATS)}"
            )
        if self.is_nv12 and not kind.takes_nv12:
            others = " or ".join(other.name for other in FORMATS.values() if other.takes_nv12)
            raise RoadsegError(
                f"--input-format nv12: {kind.name} takes rgb; give --format {others}"
            )
        if self.is_nv12 and size is not None:
            refuse_odd(size, "--size")

    def shape(self, size: Size | None) -> tuple[int | None, ...]:
        """Return the shape of the input: of one image of `size`, or of any of any size."""
        if self.is_nv12:
            return (None, None, None) if size is None else (1, rows_of(size[0]), size[1])
        return (None, None, None, 3) if size is None else (1, *size, 3)

    def frames(self, images: np.ndarray) -> np.ndarray:
        """Return uint8 images (batch, height, width, 3), RGB, as the model takes them.

        Odd sides that it does not take lose their last row or column.
        """
        if not self.is_nv12:
            return images
        height, width = self.legal(images.shape[1:3])
        return frames_of(images[:, :height, :width])

    def legal(self, size: tuple[int, ...]) -> Size:
        """Return height and width nearest below `size` that the input can have."""
        height, width = size
        return (height // 2 * 2, width // 2 * 2) if self.is_nv12 else (height, width)

    def rgb(self, frames: Any) -> Any:
        """Return what the model takes as RGB 0..255 (batch, height, width, 3), as a tensor."""
        return rgb_of(frames) if self.is_nv12 else frames

    def asked(self, ways: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """Return the outputs that are asked for, in order, by what makes each."""
        return {name: ways[name]() for name in OUTPUTS if name in self.outputs}


LABELS_OF_RGB = Interface()
"""What an export takes and gives unless somebody says otherwise."""


def labels_in(found: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the labels (batch, height, width) among the outputs of a model, or the best classes.

    found: by name; with logits or probabilities where there are no labels.
    """
    if "labels" in found:
        return found["labels"]
    scores = found["logits"] if "logits" in found else found["probabilities"]
    return np.argmax(scores, axis=-1)


INPUT = {
    "name": "image",
    "shape": "(batch, height, width, 3)",
    "type": "uint8",
    "meaning": "RGB, 0..255, any height and width; normalisation is part of the model",
}
LABELS = {
    "signature": "serving_default",
    "name": "labels",
    "shape": "(batch, height, width)",
    "type": "int32",
    "meaning": "train id of the best class of each pixel, an index into the label table's names",
}
LOGITS = {
    "signature": "logits",
    "name": "logits",
    "shape": "(batch, height, width, classes)",
    "type": "float32",
    "meaning": "class logits before the softmax, at full size",
}
PROBABILITIES = {
    "signature": "serving_default",
    "name": "probabilities",
    "shape": "(batch, height, width, classes)",
    "type": "float32",
    "meaning": "share of each class, 0..1, by softmax of the logits",
}
CONFIDENCE = {
    "signature": "serving_default",
    "name": "confidence",
    "shape": "(batch, height, width)",
    "type": "float32",
    "meaning": "share of the best class, 0..1, by softmax of the logits",
}
PER_PIXEL = {one["name"]: one for one in (LABELS, LOGITS, PROBABILITIES, CONFIDENCE)}
TWO_IMAGES = {
    "name": "wide, narrow",
    "shape": "(batch, height, width, 3) each",
    "type": "uint8",
    "meaning": "the images of both cameras, RGB, 0..255; normalisation is part of the model",
}
LOCATIONS = {
    "signature": "serving_default and locations",
    "name": "locations",
    "shape": "(batch, views, h, w, 2)",
    "type": "float32",
    "meaning": "where the image was sampled, (row, column), 0 first pixel, 1 last pixel",
}
SAMPLE_LOGITS = {
    "name": "sample_logits",
    "shape": "(batch * views, h, w, classes)",
    "type": "float32",
    "meaning": "class logits before the softmax, of the samples",
}
WINDOW_LOCATIONS = {
    "name": "window_locations",
    "shape": "(batch * views, h, w, 2)",
    "type": "float32",
    "meaning": "where each window was sampled, (row, column), 0..1 of the window",
}
NV12 = "NV12 of BT.601 in its limited range, even sides"

# What the SavedModel of a network of two cameras is called by.
TWO_CAMERAS_CALL = """\
import tensorflow as tf

model = tf.saved_model.load(".")
found = model.signatures["serving_default"](wide=wide_images, narrow=narrow_images)
wide, narrow = found["wide_NAME"], found["narrow_NAME"]"""


def input_of(
    two_cameras: bool, size: Size | None = None, interface: Interface = LABELS_OF_RGB
) -> dict[str, str]:
    """Return what an export takes: images of any size, or one (a pair) of `size` at a time."""
    given = dict(TWO_IMAGES if two_cameras else INPUT)
    if interface.is_nv12:
        given["shape"] = given["shape"].replace("height, width, 3", "3 * height / 2, width")
        given["meaning"] = given["meaning"].replace("RGB, 0..255", NV12)
    if size is None:
        return given
    shape = ", ".join(map(str, interface.shape(size)))
    each = " each" if two_cameras else ""
    return {
        **given,
        "shape": f"({shape}){each}",
        "meaning": given["meaning"].replace("any height and width", "of this size alone"),
    }


def outputs_of_two_cameras(interface: Interface = LABELS_OF_RGB) -> list[dict[str, str]]:
    """Return what the SavedModel of a network of two cameras gives."""
    outputs = []
    for output in _of_signatures(interface, PER_PIXEL):
        for view in ("wide", "narrow"):
            meaning = f"of the {view} view: {output['meaning']}"
            outputs.append({**output, "name": f"{view}_{output['name']}", "meaning": meaning})
    return outputs


def outputs_of(
    format_name: str,
    sampled: bool,
    void: int | None,
    windows: bool = False,
    interface: Interface = LABELS_OF_RGB,
) -> list[dict[str, str]]:
    """Return what a format gives; only SavedModels have signatures, and full logits among them.

    sampled: whether the model samples; windows: and does so in windows of the image.
    void: the value of labels that is no class, None where every output is one.
    """
    pixels = {name: dict(one) for name, one in PER_PIXEL.items()}
    if void is not None:
        labels = f"; {void} is void: what the labels ignore was trained as an output"
        pixels["labels"]["meaning"] += labels
        for name in ("logits", "probabilities"):
            last = f"; the last of {void + 1} is void, no class of the label table"
            pixels[name]["meaning"] += last
    if format_name == "saved_model":
        outputs = _of_signatures(interface, pixels)
        return [*outputs, LOCATIONS] if sampled else outputs
    outputs = [pixels[name] for name in OUTPUTS if name in interface.outputs]
    outputs += [LOCATIONS, SAMPLE_LOGITS] if sampled else []
    outputs += [WINDOW_LOCATIONS] if sampled and windows else []
    return [{**output, "signature": "the only one"} for output in outputs]


def _of_signatures(interface: Interface, pixels: dict[str, dict[str, str]]) -> list[dict[str, str]]:
    """Return the outputs of a SavedModel, whose signature `logits` is there in any case."""
    outputs = [pixels[name] for name in OUTPUTS if name in (*interface.outputs, "logits")]
    served = "logits" in interface.outputs
    both = "serving_default and logits" if served else "logits"
    return [{**one, "signature": both} if one["name"] == "logits" else one for one in outputs]


def call_of(kind: Format, interface: Interface, two_cameras: bool = False) -> str:
    """Return Python that runs an export: its first output of each pixel."""
    first = next(name for name in OUTPUTS if name in interface.outputs)
    call = TWO_CAMERAS_CALL if two_cameras else kind.call
    return call.replace("NAME", first)
