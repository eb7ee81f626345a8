"""Measures of a segmentation: counts, what follows from them, and a class for `model.compile`."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roadseg.metrics.keras_metrics import MeanIoU as MeanIoU

__all__ = ["MeanIoU"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("roadseg.metrics.keras_metrics"), name)
    raise AttributeError(f"module 'roadseg.metrics' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
