"""What `roadseg export` wrote, loaded again: its outputs, its classes, its recipe."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras import ops

from roadseg.errors import RoadsegError
from roadseg.files import parse_json, plain_path
from roadseg.label_tables.label_table import LabelTable
from roadseg.ops.backend import tensorflow
from roadseg.ops.nv12 import nv12_of, size_taken
from roadseg.recipe.recipe import stored_values

Tensor = Any


@dataclass(frozen=True)
class SavedModel:
    """An export in memory, which takes bytes: values between them are rounded.

    loaded: what TensorFlow gives of it; its variables go when this goes. recipe: from its card.
    """

    folder: Path
    loaded: Any
    label_table: LabelTable
    recipe: dict[str, Any]

    @property
    def name(self) -> str:
        """What it is called: its folder."""
        return self.folder.name

    @property
    def is_nv12(self) -> bool:
        """Whether it takes frames of NV12, which are then made of images of RGB."""
        shape = self._taken_shape
        return shape is not None and len(shape) == 3

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of the one image that it takes at a time; None for any images."""
        return size_taken(self._taken_shape or ())

    @property
    def _taken_shape(self) -> tuple[int, ...] | None:
        """Shape of what the usual signature takes, None for sides that are open."""
        served = self.loaded.signatures.get("serving_default")
        (taken,) = served.structured_input_signature[1].values() if served else (None,)
        return None if taken is None or taken.shape.rank is None else tuple(taken.shape)

    def outputs(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """Return functions from float images to 'labels', and to 'logits', 'locations' if it has.

        Raises RoadsegError for an export without a way from images to labels.
        """
        signatures = self.loaded.signatures
        if "serving_default" not in signatures:
            raise RoadsegError(
                f"{self.folder}: no signature 'serving_default'; export the run again"
            )
        served = signatures["serving_default"]
        if len(served.structured_input_signature[1]) != 1:
            raise RoadsegError(f"{self.folder}: takes the images of two cameras; give the run")
        names = list(served.structured_outputs)
        found = {
            name: self._function(served, name) for name in ("labels", "locations") if name in names
        }
        if "logits" in signatures:
            (name,) = signatures["logits"].structured_outputs
            found["logits"] = self._function(signatures["logits"], name)
        if not {"labels", "logits"} & set(found):
            raise RoadsegError(
                f"{self.folder}: gives {', '.join(names)} and no labels; export the run again with "
                "--outputs labels"
            )
        return found

    def _function(self, signature: Any, output: str) -> Callable[[Tensor], Tensor]:
        # A loaded signature takes its argument by name.
        (argument,) = signature.structured_input_signature[1]
        return lambda images: signature(**{argument: self.taken(images)})[output]

    def taken(self, images: Tensor) -> Tensor:
        """Return float images (batch, height, width, 3), RGB 0..255, as the signatures take them.

        Where it takes NV12, sides have to be even.
        """
        levels = ops.round(ops.clip(images, 0, 255))
        if self.is_nv12:
            levels = nv12_of(levels, ops)
        return ops.cast(levels, "uint8")


def read_saved_model(folder: Path) -> SavedModel:
    """Return the export in `folder`.

    Raises RoadsegError if it holds no SavedModel of roadseg with its model card, and where Keras
    does not run on TensorFlow.
    """
    if not (folder / "saved_model.pb").is_file():
        raise RoadsegError(f"{folder}: no saved_model.pb in it; give what `roadseg export` wrote")
    table, recipe = read_card(folder)
    tf = tensorflow()
    if tf is None:
        raise RoadsegError(f"{folder}: TensorFlow runs such files; set KERAS_BACKEND=tensorflow")
    with plain_path(folder) as plain:
        return SavedModel(folder, tf.saved_model.load(str(plain)), table, recipe)


def read_card(folder: Path) -> tuple[LabelTable, dict[str, Any]]:
    """Return the classes and the recipe of an export; RoadsegError without its model card."""
    cards = [folder / "model_card.json", folder.parent / "model_card.json"]
    card = next((path for path in cards if path.is_file()), None)
    if card is None:
        raise RoadsegError(f"{cards[0]}: no model card, so no class names; export the run again")
    try:
        values = parse_json(card.read_bytes())
        table, recipe = values["label_table"], stored_values(values.get("recipe") or {})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RoadsegError(f"{card}: no label table in it; export the run again") from None
    return LabelTable.from_json(json.dumps(table)), recipe
