"""Fast road-scene segmentation networks, and learned downsampling for every one of them.

The names below are imported when they are first asked for: `import roadseg` itself is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

from roadseg.keras_files import install

if TYPE_CHECKING:
    from roadseg import label_tables as label_tables
    from roadseg import losses as losses
    from roadseg import metrics as metrics
    from roadseg import sampling as sampling
    from roadseg.api import create as create
    from roadseg.api import dataset as dataset
    from roadseg.api import evaluate as evaluate
    from roadseg.api import export_model as export_model
    from roadseg.api import get_recipe as get_recipe
    from roadseg.api import list_recipes as list_recipes
    from roadseg.api import load as load
    from roadseg.api import train_recipe as train_recipe
    from roadseg.errors import RoadsegError as RoadsegError
    from roadseg.inference.inference import Inference as Inference
    from roadseg.inference.inference import Prediction as Prediction
    from roadseg.label_tables import LabelTable as LabelTable
    from roadseg.label_tables import get as get_label_table
    from roadseg.label_tables import list_tables as list_label_tables
    from roadseg.models.registry import find as model_spec
    from roadseg.models.registry import list_models as list_models
    from roadseg.models.registry import register_model as register_model
    from roadseg.models.spec import ModelSpec as ModelSpec
    from roadseg.recipe.protocol import Protocol as Protocol
    from roadseg.recipe.recipe import Recipe as Recipe
    from roadseg.runs.run_folder import RunFolder as RunFolder

    __version__: str

# Name -> where it is defined, and its name there if that is another.
_NAMES = {
    "Inference": ("roadseg.inference.inference", "Inference"),
    "LabelTable": ("roadseg.label_tables", "LabelTable"),
    "ModelSpec": ("roadseg.models.spec", "ModelSpec"),
    "Prediction": ("roadseg.inference.inference", "Prediction"),
    "Protocol": ("roadseg.recipe.protocol", "Protocol"),
    "Recipe": ("roadseg.recipe.recipe", "Recipe"),
    "RoadsegError": ("roadseg.errors", "RoadsegError"),
    "RunFolder": ("roadseg.runs.run_folder", "RunFolder"),
    "create": ("roadseg.api", "create"),
    "dataset": ("roadseg.api", "dataset"),
    "evaluate": ("roadseg.api", "evaluate"),
    "export_model": ("roadseg.api", "export_model"),
    "get_label_table": ("roadseg.label_tables", "get"),
    "get_recipe": ("roadseg.api", "get_recipe"),
    "list_label_tables": ("roadseg.label_tables", "list_tables"),
    "list_models": ("roadseg.models.registry", "list_models"),
    "list_recipes": ("roadseg.api", "list_recipes"),
    "load": ("roadseg.api", "load"),
    "model_spec": ("roadseg.models.registry", "find"),
    "register_model": ("roadseg.models.registry", "register_model"),
    "train_recipe": ("roadseg.api", "train_recipe"),
}
_MODULES = ("label_tables", "losses", "metrics", "sampling")

__all__ = [
    "Inference",
    "LabelTable",
    "ModelSpec",
    "Prediction",
    "Protocol",
    "Recipe",
    "RoadsegError",
    "RunFolder",
    "__version__",
    "create",
    "dataset",
    "evaluate",
    "export_model",
    "get_label_table",
    "get_recipe",
    "label_tables",
    "list_label_tables",
    "list_models",
    "list_recipes",
    "load",
    "losses",
    "metrics",
    "model_spec",
    "register_model",
    "sampling",
    "train_recipe",
]

install()
del install


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        module, inner = _NAMES[name]
        return getattr(importlib.import_module(module), inner)
    if name in _MODULES:
        return importlib.import_module(f"roadseg.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("roadseg")
    raise AttributeError(f"module 'roadseg' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
