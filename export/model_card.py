"""The model card: what an exported model was trained on, how well it does, how to call it."""

import importlib.metadata
import json
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.export.described import call_of, input_of, outputs_of
from roadseg.export.formats import FORMATS
from roadseg.export.interface import LABELS_OF_RGB, Interface
from roadseg.export.precision.card import precision_text
from roadseg.files import parse_json
from roadseg.recipe.recipe import Recipe, stored_values
from roadseg.regular_files import read_regular

if TYPE_CHECKING:
    import keras

    from roadseg.label_tables.label_table import LabelTable
    from roadseg.runs.run_folder import RunFolder
    from roadseg.weights.presets import Preset

UNSAMPLED: dict[str, Any] = {"kind": "none"}
# What an evaluation keeps for its own report, too long for a card.
_TOO_LONG = ("per_image", "confusion", "objects_by_class", "unassigned", "on_void")

# What a card for people shows of an evaluation.
_SHOWN = ("miou", "miou_absent_zero", "miou_with_void", "miou_target", "pixel_accuracy")


def model_card(
    run: "RunFolder",
    step: int,
    model: "keras.Model",
    format_name: str = "saved_model",
    size: tuple[int, int] | None = None,
    interface: Interface = LABELS_OF_RGB,
) -> dict[str, Any]:
    """Return the card of the checkpoint at `step` of `run`, exported as `model` to a format.

    size: height and width of the one image that the export takes; None for any.
    interface: what the export takes and gives for each pixel, and the cameras if there are several.
    """
    recipe = run.recipe
    sampling = recipe.sampling.kind
    void = len(run.label_table.names) if recipe.network.void_class else None
    windows = recipe.sampling.window == "crop"
    outputs = outputs_of(format_name, sampling != "none", void, windows, interface)
    card = {
        "name": recipe.name,
        "step": step,
        "exported": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "format": format_name,
        "input_format": interface.input_format,
        "input": input_of(size, interface),
        "outputs_of_each_pixel": list(interface.outputs),
        "outputs": outputs,
        "call": call_of(FORMATS[format_name], interface),
        "normalisation": _normalisation(recipe.model, model),
        "parameters": int(model.count_params()),
        "sampling": _sampling_of(recipe),
        "label_table": json.loads(run.label_table.to_json()),
        "void_output": void,
        "evaluations": evaluations(run, step),
        "recipe": json.loads(recipe.to_json()),
        "provenance": {
            "run": run.path.resolve().name,
            "checkpoint": run.find_checkpoint(step)[1].name,
            "source": recipe.source,
            "initial_weights": recipe.start.initial_weights,
            "initial_weights_part": recipe.start.part,
        },
        "versions": _versions(),
    }
    if sampling in ("prior", "nus", "density"):
        card["sampler_recipe"] = json.loads(run.sampler_folder.recipe.to_json())
    return card


def preset_card(
    name: str,
    preset: "Preset",
    model: "keras.Model",
    table: "LabelTable",
    format_name: str = "saved_model",
    size: tuple[int, int] | None = None,
    interface: Interface = LABELS_OF_RGB,
) -> dict[str, Any]:
    """Return the card of the network with the weights called `name`, exported to a format."""
    void = len(table.names) if preset.void_class else None
    score = {} if preset.score is None else {"published_miou": preset.score}
    return {
        "name": name,
        "step": None,
        "exported": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "format": format_name,
        "input_format": interface.input_format,
        "input": input_of(size, interface),
        "outputs_of_each_pixel": list(interface.outputs),
        "outputs": outputs_of(format_name, preset.sampled is not None, void, interface=interface),
        "call": call_of(FORMATS[format_name], interface),
        "normalisation": _normalisation(preset.network, model),
        "parameters": int(model.count_params()),
        "sampling": _sampling("density", preset.sampled.size) if preset.sampled else UNSAMPLED,
        "label_table": json.loads(table.to_json()),
        "void_output": void,
        "evaluations": [],
        "recipe": None,
        "weights": {
            "network": preset.network,
            "options": dict(preset.options),
            **score,
            "scored_on": preset.scored_on,
            "scored_at": preset.image_size,
            "licence": preset.licence,
            "address": preset.address,
        },
        "versions": _versions(),
    }


def _normalisation(name: str, model: "keras.Model") -> str:
    from roadseg.layers.introspection import innermost_layers
    from roadseg.layers.normalisation import Normalise, mean_colour

    if name == "deeplabv3_mobilenet_v2":
        return "(2 / 255) * pixel - 1"
    for layer in innermost_layers(model):
        if isinstance(layer, Normalise):
            colour = ", ".join(f"{value:.1f}" for value in mean_colour(layer.normalisation))
            return (
                f"'{layer.normalisation}' of roadseg.layers.normalisation, zero at RGB ({colour})"
            )
    return "none"


def _sampling_of(recipe: Recipe) -> dict[str, Any]:
    if recipe.sampling.kind == "none":
        return UNSAMPLED
    window = recipe.augment.crop_size if recipe.sampling.window == "crop" else None
    return _sampling(recipe.sampling.kind, recipe.sampling.size, window)


def _sampling(
    kind: str, size: tuple[int, int], window: tuple[int, int] | None = None
) -> dict[str, Any]:
    return {"kind": kind, "size": size, "window": window, "interpolation": "two_pass"}


def evaluations(run: "RunFolder", step: int) -> list[dict[str, Any]]:
    """Return the newest evaluation of each split and protocol, that of `step` where there is one.

    Each says at which step it was made. What cannot be read is left out.
    """
    found = []
    for folder in sorted(path for path in run.path.glob("evaluation/*") if path.is_dir()):
        at_step = folder / f"step-{step:08d}.json"
        earlier = sorted(path for path in folder.glob("step-*.json") if path.name <= at_step.name)
        result = _read(earlier[-1]) if earlier else None
        if result is not None:
            found.append({"evaluation": folder.name, **result})
    return found


def _read(path: Path) -> dict[str, Any] | None:
    try:
        values = parse_json(read_regular(path))
    except (OSError, ValueError):
        return None
    if not isinstance(values, dict):
        return None
    return {name: value for name, value in values.items() if name not in _TOO_LONG}


def _versions() -> dict[str, str]:
    names = ("roadseg", "tensorflow", "keras", "numpy")
    versions = {"python": platform.python_version()}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "unknown"
    return versions


def to_markdown(card: dict[str, Any]) -> str:
    """Return the card for people; the JSON beside it holds every number."""
    parts = [
        *_origin(card),
        "## Input and outputs",
        _input_and_outputs(card),
        "## How to call it",
        f"```python\n{card['call']}\n```",
        f"Sampling: {_sampling_text(card['sampling'])}",
        f"Normalisation, inside the model: {card['normalisation']}.",
        *precision_text(card),
        "## Evaluation",
        _evaluation_text(card["evaluations"]),
        "## Classes",
        _class_table(card),
        *_recipe_or_weights(card),
        "## Versions",
        _table(("package", "version"), list(card["versions"].items())),
    ]
    return "\n\n".join(parts) + "\n"


def _origin(card: dict[str, Any]) -> list[str]:
    parameters = f"{card['parameters']:,} parameters"
    if card["recipe"] is None:
        return [
            f"# {card['name']}",
            f"Exported {card['exported']} from the published weights `{card['name']}`, "
            f"{parameters}.",
        ]
    return [
        f"# {card['name']}, step {card['step']}",
        f"Exported {card['exported']} from the run `{card['provenance']['run']}`, checkpoint "
        f"`{card['provenance']['checkpoint']}`, {parameters}.",
        f"Source of the recipe: {card['provenance']['source']}.",
    ]


def _recipe_or_weights(card: dict[str, Any]) -> list[str]:
    title, values = "Recipe", card["recipe"] and stored_values(card["recipe"])
    if values is None:
        title, values = "Weights", card["weights"]
    rows = [(field, json.dumps(value)) for field, value in values.items()]
    return [f"## {title}", _table(("field", "value"), rows)]


def _input_and_outputs(card: dict[str, Any]) -> str:
    rows = [("input", "every", *_described(card["input"]))]
    rows += [("output", out["signature"], *_described(out)) for out in card["outputs"]]
    return _table(("", "signature", "name", "shape", "type", "meaning"), rows)


def _described(tensor: dict[str, str]) -> tuple[str, ...]:
    return tuple(tensor[key] for key in ("name", "shape", "type", "meaning"))


def _sampling_text(sampling: dict[str, Any]) -> str:
    if sampling["kind"] == "none":
        return "none, the network sees every pixel."
    size = "x".join(map(str, sampling["size"]))
    if sampling["window"] is None:
        return f"{sampling['kind']}, {size} samples of the whole image."
    window = "x".join(map(str, sampling["window"]))
    return f"{sampling['kind']}, {size} samples for a window of the aspect {window}."


def _evaluation_text(results: list[dict[str, Any]]) -> str:
    if not results:
        return "Not evaluated; run `roadseg eval` on the run, then export it again."
    rows = []
    for result in results:
        for name in _SHOWN:
            value = result.get(name)
            if isinstance(value, float):
                place = f"{result['evaluation']}, step {result.get('step')}"
                rows.append((place, str(result.get("images", "")), name, f"{value:.4f}"))
    return _table(("evaluation", "images", "metric", "value"), rows)


def _class_table(card: dict[str, Any]) -> str:
    table = card["label_table"]
    iou: dict[str, float | None] = next(
        (result["iou"] for result in card["evaluations"] if result.get("iou")), {}
    )
    rows = []
    for train_id, (name, colour) in enumerate(zip(table["names"], table["colours"], strict=True)):
        score = iou.get(name)
        shown = f"{score:.4f}" if isinstance(score, float) else "-"
        rows.append((str(train_id), name, "#" + bytes(colour).hex(), shown))
    if card["void_output"] is not None:
        # Evaluation and `roadseg predict` write the ignore value where it wins.
        ignored = f"void, no class: take it as ignored ({table['ignore']})"
        rows.append((str(card["void_output"]), ignored, "-", "-"))
    return _table(("train id", "class", "colour", "IoU"), rows)


def _table(head: tuple[str, ...], rows: list[Any]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")
