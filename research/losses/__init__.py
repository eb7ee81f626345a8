"""Losses: functions, each a sum and a count over one batch, and classes for `model.compile`."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roadseg.losses.keras_losses import Crossentropy as Crossentropy
    from roadseg.losses.keras_losses import FocalCrossentropy as FocalCrossentropy
    from roadseg.losses.keras_losses import OhemCrossentropy as OhemCrossentropy

__all__ = ["Crossentropy", "FocalCrossentropy", "OhemCrossentropy"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("roadseg.losses.keras_losses"), name)
    raise AttributeError(f"module 'roadseg.losses' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
