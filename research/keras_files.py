"""`.keras` files of this package load after `import roadseg` alone, which stays quick.

Keras finds a layer of ours by the name under which its module registered it, once that module was
imported. Importing them all would import Keras; so the look-up itself, when it meets a name of ours
that is not there yet, imports them.
"""

import functools
import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

MODULES = {
    "layers": (
        *("caffe", "cell_bias", "convolution", "dilated_depthwise", "flow", "flow_alignment"),
        *("flow_warp", "gates", "grouped", "homography", "light_aspp", "mean_locations"),
        *("normalisation", "pooling", "resize", "scaled_map", "strided_depthwise"),
        "weighted_fusion",
    ),
    "losses": ("keras_losses",),
    "metrics": ("keras_metrics",),
    "models": ("legal_sizes",),
    "sampling": ("density", "equidistribution", "nus", "sampler", "segmenter"),
}
"""Files that register a class, by their folder."""
_REGISTRATION = "keras.src.saving.object_registration"
_OURS = "roadseg>"


def register() -> None:
    """Import every module that registers a class with Keras."""
    for folder, modules in MODULES.items():
        for module in modules:
            importlib.import_module(f"roadseg.{folder}.{module}")


def install() -> None:
    """Let Keras, imported already or not, find the classes of this package by itself."""
    if _REGISTRATION in sys.modules:
        _extend(sys.modules[_REGISTRATION])
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _extend(module: ModuleType) -> None:
    original: Callable[..., Any] | None = getattr(module, "get_registered_object", None)
    if original is None or hasattr(original, "finds_roadseg"):
        return

    @functools.wraps(original)
    def get_registered_object(name: Any, *arguments: Any, **options: Any) -> Any:
        found = original(name, *arguments, **options)
        if found is None and isinstance(name, str) and name.startswith(_OURS):
            register()
            found = original(name, *arguments, **options)
        return found

    get_registered_object.finds_roadseg = True  # type: ignore[attr-defined]
    module.get_registered_object = get_registered_object  # type: ignore[attr-defined]


class _Finder(importlib.abc.MetaPathFinder):
    """Finds Keras's registration as always, and extends it once it is loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> Any:
        if fullname != _REGISTRATION:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_extend(module: ModuleType) -> None:
            load(module)
            _extend(module)

        spec.loader.exec_module = load_and_extend  # type: ignore[method-assign]
        return spec
