"""`roadseg list`: what there is to choose from, and what is installed."""

import importlib.util
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from roadseg.command_line.arguments import parse

EXAMPLE = "roadseg list presets"
Kind = Literal["all", "networks", "presets", "recipes", "data-sets", "samplers", "installed"]
WIDTH = 118
EXTRAS = {
    "onnx": "onnxruntime",
    "litert": "ai_edge_litert",
    "openvino": "openvino",
    "torch": "torch",
    "jax": "jax",
}
"""Optional packages, by the name of the extra that installs them."""


@dataclass(frozen=True)
class Arguments:
    """Show the names that other commands and `roadseg.create` take."""

    kind: Annotated[Kind, tyro.conf.Positional] = "all"
    """One kind with everything about it, or all in short."""


def main(argv: Sequence[str]) -> int:
    """Print the lists; return 0."""
    kind = parse(Arguments, argv, command="list", example=EXAMPLE).kind
    if kind == "all":
        for name, lines in SHORT.items():
            print("\n".join(_paragraph(name, lines())))
    else:
        print("\n".join(WHOLE[kind]()))
    return 0


def _networks() -> list[str]:
    from roadseg.models.registry import list_models

    return list_models()


def _presets() -> list[str]:
    from roadseg.weights.presets import list_presets

    return list_presets()


def _recipe_groups() -> list[str]:
    """Return each folder of recipes with how many there are in it."""
    from roadseg.train.recipes import RECIPES

    folders = [name.split("/")[0] for name in RECIPES]
    return [f"{folder}/ ({folders.count(folder)})" for folder in sorted(set(folders))]


def _data_sets() -> list[str]:
    from roadseg.label_tables import list_tables

    return list_tables()


def _samplers() -> list[str]:
    from roadseg.sampling.registry import list_samplers

    return list_samplers()


def _installed() -> list[str]:
    found = {extra: importlib.util.find_spec(package) for extra, package in EXTRAS.items()}
    return [f"{extra} {'yes' if spec else 'no'}" for extra, spec in found.items()]


def _network_lines() -> list[str]:
    from roadseg.models.registry import MODELS

    return [
        f"{name:<24}{entry.task:<14}{(entry.parameters or 0) / 1e6:8.3f} M values"
        for name, entry in sorted(MODELS.items())
    ]


def _preset_lines() -> list[str]:
    from roadseg.weights.fetch import is_here
    from roadseg.weights.presets import PRESETS

    lines = []
    for name, preset in sorted(PRESETS.items()):
        score = f"{preset.score} mIoU" if preset.score else "-"
        size = f"{preset.size / 1e6:.1f} MB" if preset.size else "mirror alone"
        here = "here" if is_here(preset) else ""
        about = preset.note or f"{preset.scored_on}; {preset.licence}"
        lines.append(f"{name:<44}{score:<12}{size:<14}{here:<6}{about}")
    return lines


def _recipe_lines() -> list[str]:
    from roadseg.train.recipes import RECIPES

    return sorted(RECIPES)


SHORT: dict[str, Callable[[], list[str]]] = {
    "networks": _networks,
    "presets": _presets,
    "recipes": _recipe_groups,
    "data sets": _data_sets,
    "samplers": _samplers,
    "installed": _installed,
}
WHOLE: dict[str, Callable[[], list[str]]] = {
    "networks": _network_lines,
    "presets": _preset_lines,
    "recipes": _recipe_lines,
    "data-sets": _data_sets,
    "samplers": _samplers,
    "installed": _installed,
}


def _paragraph(title: str, names: Sequence[str]) -> list[str]:
    # A name and its number stay together.
    joined = ", ".join(name.replace(" ", "\0") for name in names)
    lines = textwrap.wrap(joined, WIDTH - 11, break_on_hyphens=False)
    first = f"{title:<11}"
    return [
        (first if number == 0 else " " * 11) + line.replace("\0", " ")
        for number, line in enumerate(lines)
    ]
