"""Fast road-scene segmentation networks, and learned downsampling for every one of them.

The names below are imported when they are first asked for: `import roadseg` itself is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

from roadseg.keras_files import install

if TYPE_CHECKING:
    from roadseg import sampling as sampling
    from roadseg.api import load as load
    from roadseg.models.registry import create as create
    from roadseg.models.registry import list_models as list_models

__all__ = ["create", "label_tables", "list_models", "load", "sampling"]

_FUNCTIONS = {
    "create": "roadseg.models.registry",
    "list_models": "roadseg.models.registry",
    "load": "roadseg.api",
}
_MODULES = ("sampling", "label_tables")

install()
del install


def __getattr__(name: str) -> Any:
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(_FUNCTIONS[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"roadseg.{name}")
    raise AttributeError(f"module 'roadseg' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
