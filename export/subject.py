"""What is exported: a checkpoint of a run, or a network with weights that have a name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.export.interface import Interface
from roadseg.label_tables.label_table import LabelTable
from roadseg.tasks.table import task_of

if TYPE_CHECKING:
    import keras

    from roadseg.runs.run_folder import RunFolder

Size = tuple[int, int]


@dataclass(frozen=True)
class Subject:
    """A network and all that an export needs to know of it."""

    model: "keras.Model"
    """RGB 0..255 of any size to class logits at that size; of two cameras both by name."""
    label_table: LabelTable
    card: Callable[[str, Size | None, Interface], dict[str, Any]]
    """Gives the model card of an export in a format, for images of a size or of any."""
    views: tuple[str, ...] = ()
    """Names of its cameras where it takes an image of each; () for one image."""
    size: Size | None = None
    """Of the images that its score was counted on, if these were of one size."""
    records: Path | None = None
    """What it was trained on, if that was records."""


def subject_of_run(run: "RunFolder", step: int) -> Subject:
    """Return the checkpoint at `step` of `run`; RoadsegError for one of no segmentation network."""
    from roadseg.export.model_card import model_card

    task = task_of(run.recipe)
    pairs = task.labels_pairs
    model = run.load_network(step) if pairs else run.load_segmenter(step)
    return Subject(
        model,
        run.label_table,
        lambda format_name, size, interface: model_card(
            run, step, model, format_name, size, interface
        ),
        views=task.inputs if pairs else (),
        # At which pairs are trained on and evaluated, whatever size records have.
        size=run.recipe.augment.crop_size if pairs else None,
        records=Path(run.recipe.records),
    )


def subject_of_preset(name: str) -> Subject:
    """Return the network of the preset `name`; RoadsegError for none, or one without labels."""
    from roadseg.export.model_card import preset_card
    from roadseg.runs.load import load_inference
    from roadseg.weights.presets import find_preset

    inference, preset = load_inference(name), find_preset(name)
    return Subject(
        inference.model,
        inference.label_table,
        lambda format_name, size, interface: preset_card(
            name, preset, inference.model, inference.label_table, format_name, size, interface
        ),
        size=preset.image_size,
    )
