"""What goes into an exported model and what comes out of it: what a user chooses of both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.export.formats import FORMATS, Format
from roadseg.export.views import Views, each, prefixed
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
    views: tuple[str, ...] = ()
    """Names of the cameras whose images go in, each with outputs of its own; () for one image."""

    @property
    def is_nv12(self) -> bool:
        """Whether frames of NV12 go in."""
        return self.input_format == "nv12"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what goes in."""
        return self.views or ("image",)

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
        """Return the shape of each input: of one image of `size`, or of any of any size."""
        if self.is_nv12:
            return (None, None, None) if size is None else (1, rows_of(size[0]), size[1])
        return (None, None, None, 3) if size is None else (1, *size, 3)

    def views_of(self, inputs: Sequence[Any]) -> Views:
        """Return what goes in, in the order of `inputs`, as one image or by the cameras' names."""
        (first, *_) = inputs
        return dict(zip(self.views, inputs, strict=True)) if self.views else first

    def frames(self, images: Views) -> Views:
        """Return uint8 images (batch, height, width, 3), RGB, as the model takes them.

        Odd sides that it does not take lose their last row or column.
        """
        return each(self._frames, images)

    def _frames(self, images: np.ndarray) -> np.ndarray:
        if not self.is_nv12:
            return images
        height, width = self.legal(images.shape[1:3])
        return frames_of(images[:, :height, :width])

    def legal(self, size: tuple[int, ...]) -> Size:
        """Return height and width nearest below `size` that the input can have."""
        height, width = size
        return (height // 2 * 2, width // 2 * 2) if self.is_nv12 else (height, width)

    def rgb(self, frames: Views) -> Views:
        """Return what the model takes as RGB 0..255 (batch, height, width, 3), as tensors."""
        return each(rgb_of, frames) if self.is_nv12 else frames

    def asked(self, ways: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """Return the outputs that are asked for, in order, by what makes each."""
        return {name: ways[name]() for name in OUTPUTS if name in self.outputs}


LABELS_OF_RGB = Interface()
"""What an export takes and gives unless somebody says otherwise."""


def labels_in(found: Mapping[str, np.ndarray], views: Sequence[str] = ()) -> Views:
    """Return the labels (batch, height, width) among the outputs of a model, or the best classes.

    found: by name; with logits or probabilities where there are no labels.
    views: the cameras, of each of which labels are returned; () for one image.
    """
    if views:
        return {view: _labels_of(found, view) for view in views}
    return _labels_of(found, "")


def _labels_of(found: Mapping[str, np.ndarray], view: str) -> np.ndarray:
    labels, *scores = (prefixed(view, name) for name in ("labels", "logits", "probabilities"))
    if labels in found:
        return found[labels]
    return np.argmax(next(found[name] for name in scores if name in found), axis=-1)
