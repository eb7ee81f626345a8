"""The fields of a recipe, and the table of all recipes, from the code."""

import dataclasses
import typing
from typing import Any

from sphinx.pycode import ModuleAnalyzer


def pages(name: str) -> dict[str, str]:
    """Return the text of one of the two pages, by its file."""
    return {name: _fields() if name == "recipe_fields.md" else _recipes()}


def _fields() -> str:
    from roadseg.recipe.groups import GROUPS, Top

    parts = ["## Everyday fields\n\n", _table(Top, "")]
    for name, group in GROUPS.items():
        parts += [f"\n## `{name}`\n\n{group.__doc__}\n\n", _table(group, f"{name}.")]
    return "".join(parts)


def _table(kind: Any, prefix: str) -> str:
    docs = _texts(kind.__module__)
    hints = typing.get_type_hints(kind)
    lines = ["| field | type | default | meaning |", "| --- | --- | --- | --- |"]
    for field in dataclasses.fields(kind):
        what = cell(docs[kind.__name__, field.name])
        row = (f"`{prefix}{field.name}`", type_text(hints[field.name]), _default(field), what)
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def _texts(module: str) -> dict[tuple[str, str], str]:
    """Return what stands below each attribute of the classes of a module."""
    found = ModuleAnalyzer.for_module(module).find_attr_docs()
    return {place: " ".join(" ".join(lines).split()) for place, lines in found.items()}


def cell(text: str) -> str:
    """Return a text that may stand in a cell of a table."""
    return text.replace("|", "\\|").replace("*", "\\*").replace("\n", " ")


def type_text(hint: Any) -> str:
    """Return a type in words: `integer`, `yes or no`, one of a few words, pairs."""
    plain = {int: "integer", float: "number", str: "text", bool: "yes or no"}
    origin, kinds = typing.get_origin(hint), typing.get_args(hint)
    if hint in plain:
        return plain[hint]
    if origin is typing.Literal:
        return ", ".join(f"`{word}`" for word in kinds)
    if origin is tuple and kinds[-1] is Ellipsis:
        return f"any number of {type_text(kinds[0])}"
    if origin is tuple:
        return " x ".join(type_text(kind) for kind in kinds)
    if origin is dict:
        return "name=value words"
    return cell(str(hint).replace("typing.", ""))


def _default(field: Any) -> str:
    if field.default is not dataclasses.MISSING:
        return f"`{value_text(field.default)}`"
    if field.default_factory is not dataclasses.MISSING:
        return f"`{value_text(field.default_factory())}`"
    return "none: has to be given"


def value_text(value: Any) -> str:
    """Return a default as the command line spells it."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, tuple | list):
        return " ".join(map(value_text, value)) or "nothing"
    if value == "" or value == {}:
        return "nothing"
    return cell(str(value))


def _recipes() -> str:
    from roadseg.train.recipes import RECIPES, get

    parts, folder = [], ""
    for name in sorted(RECIPES):
        first = name.partition("/")[0]
        if first != folder:
            folder = first
            parts += [
                f"\n## `{folder}/`\n\n",
                "| recipe | network | batch, images | steps | crop, pixels | numbers from | "
                "trained here |\n",
                "| --- | --- | ---: | ---: | ---: | --- | --- |\n",
            ]
        recipe = get(name)
        height, width = recipe.augment.crop_size
        crop = f"{height}x{width}" if height else "whole"
        row = (f"`{name}`", f"`{recipe.model}`", str(recipe.batch_size), f"{recipe.steps:,}")
        parts.append(
            f"| {' | '.join(row)} | {crop} | {cell(recipe.source)} | {cell(recipe.measured)} |\n"
        )
    return "".join(parts)
