"""The networks that the page shows beside each other, and what each finds in a picture."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.weights.presets import PRESETS

if TYPE_CHECKING:
    from roadseg.inference.inference import Inference
    from roadseg.runs.run_folder import Step


@dataclass(frozen=True)
class Found:
    """What a network found in one picture.

    labels: (height, width) uint8 train ids, the table's ignore value for no class.
    confidence: (height, width) float32 0..1, or None for a network that tells labels alone.
    locations: (points, 2) float32, (row, column) 0..1, or None where nothing is sampled.
    milliseconds: from the picture to its labels, at a size seen before.
    """

    labels: np.ndarray
    confidence: np.ndarray | None
    locations: np.ndarray | None
    milliseconds: float


@dataclass(frozen=True)
class Panel:
    """One network on the page. name: a few words over it; note: what else is to know, or ''."""

    inference: "Inference"
    name: str
    note: str = ""

    def find(self, image: np.ndarray) -> Found:
        """Return what is found in RGB uint8 (height, width, 3)."""
        # First, so that what is prepared once for each size is no part of the time.
        sure = self.inference.predict_confidence(image) if self.inference.has_logits else None
        if sure is None:
            self.inference(image)
        start = time.perf_counter()
        found = self.inference(image)
        milliseconds = (time.perf_counter() - start) * 1e3
        return Found(found.labels.astype(np.uint8), sure, found.locations, milliseconds)


def load_panels(
    model: str | None,
    step: "Step" = None,
    beside: str | None = None,
    weights_folder: Path | None = None,
) -> list[Panel]:
    """Return the panel of `model` and, beside it, that of `beside` or of even samples, if any.

    Raises RoadsegError for what `roadseg.load` refuses, and for two networks of other classes.
    """
    from roadseg.runs.load import load_inference

    first = load_inference(model, step, mirror=weights_folder)
    panels = [Panel(first, _name(first))]
    if beside is not None:
        second = load_inference(beside, mirror=weights_folder if beside in PRESETS else None)
        if second.label_table.names != first.label_table.names:
            raise RoadsegError(
                f"--beside {beside}: has other classes than {first.title}; name a network of the "
                "same ones"
            )
        panels.append(Panel(second, _name(second)))
    elif hasattr(first.model, "sampler") and first.model.sampler.kind != "uniform":
        panels.append(_evenly_sampled(first))
    return panels


def _name(inference: "Inference") -> str:
    """Return how a network sees pictures, in words, or what it is called."""
    model = inference.model
    if not hasattr(model, "sampler"):
        return inference.title
    return f"{inference.title}: {_samples(model)}"


def _samples(model: Any) -> str:
    height, width = model.size
    return f"{height}×{width} samples, {model.sampler.kind}"


def _evenly_sampled(inference: "Inference") -> Panel:
    """Return the panel of the same network on as many samples, laid evenly."""
    from roadseg.inference.inference import Inference
    from roadseg.sampling import SampledSegmenter, UniformSampler

    model = inference.model
    even = SampledSegmenter(model.network, UniformSampler(), model.size, model.window, model.method)
    made = Inference(even, inference.label_table, inference.protocol, title=inference.title)
    note = f"The same network, which was trained on samples laid by '{model.sampler.kind}'."
    return Panel(made, _samples(even), note)
