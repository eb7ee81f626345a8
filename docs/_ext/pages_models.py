"""Every network of the registry: size, cost, options and sources, from the code and docs/data."""

import functools
import importlib
import inspect
import json
import types
import typing
from pathlib import Path
from typing import Any

from pages_recipes import cell, type_text, value_text

DATA = Path(__file__).parents[1] / "data" / "networks.json"
SIZES = ("512x1024", "1024x2048")
LATENCIES = ("Keras graph", "SavedModel", "ONNX Runtime", "LiteRT", "OpenVINO")


def pages(name: str) -> dict[str, str]:
    """Return the text of the page, by its file."""
    from roadseg.models.registry import MODELS

    data = json.loads(DATA.read_text(encoding="utf-8"))
    known = {name: entry for name, entry in sorted(MODELS.items()) if _is_ours(entry)}
    unknown = sorted(set(data["multiply_adds"]["networks"]) - set(known))
    if unknown:
        raise RuntimeError(f"{DATA}: no such networks: {', '.join(unknown)}")
    parts = [_overview(known, data["multiply_adds"]), _latency(data["latency"])]
    parts += ["## Options and sources\n"]
    parts += [_network(name, entry) for name, entry in known.items()]
    return {name: "\n".join(parts)}


def _is_ours(entry: Any) -> bool:
    return str(_function(entry).__module__).startswith("roadseg.")


def _function(entry: Any) -> Any:
    """Return the builder behind any arguments that are already given to it."""
    build = entry.build
    return build.func if isinstance(build, functools.partial) else build


def _overview(networks: dict[str, Any], counts: dict[str, Any]) -> str:
    lines = [
        "## Size and cost\n",
        f"Parameters are trainable values at inference, {counts['conditions']}. "
        f"Multiply-adds by `{counts['command']}`. {counts['check']}\n",
        f"| network | task | parameters (M) | multiply-adds (G), {SIZES[0]} | {SIZES[1]} | "
        "image sides | auxiliary heads |",
        "| --- | --- | ---: | ---: | ---: | --- | --- |",
    ]
    for name, entry in networks.items():
        counted = counts["networks"].get(name, {})
        cost = [counted.get(size, "") for size in SIZES]
        # Registered by a path, a network may have no published count.
        parameters = f"{entry.parameters / 1e6:.3f}" if entry.parameters else ""
        multiple = entry.size_multiple
        sides = f"multiples of {multiple}" if multiple > 1 else counted.get("sides", "any")
        heads = "yes" if "auxiliary_heads" in inspect.signature(entry.build).parameters else ""
        row = (f"[`{name}`](#{_anchor(name)})", entry.task, parameters, *cost, sides, heads)
        lines.append(f"| {' | '.join(map(str, row))} |")
    return "\n".join(lines) + "\n"


def _latency(data: dict[str, Any]) -> str:
    lines = [
        "## Latency\n",
        f"{data['conditions']}\n",
        f"| network | {' | '.join(LATENCIES)} |",
        f"| --- |{' ---: |' * len(LATENCIES)}",
    ]
    for row in data["rows"]:
        times = [row["ms"].get(runtime) for runtime in LATENCIES]
        best = min(time for time in times[:-1] if isinstance(time, int))
        cells = [f"**{t}**" if t == best else "" if t is None else str(t) for t in times[:-1]]
        lines.append(f"| {row['network']} | {' | '.join([*cells, str(times[-1] or '')])} |")
    return "\n".join([*lines, "", *(f"- {note}" for note in data["notes"]), ""])


def _anchor(name: str) -> str:
    return f"network-{name.replace('_', '-')}"


def _network(name: str, entry: Any) -> str:
    module = importlib.import_module(_function(entry).__module__)
    doc = " ".join((module.__doc__ or "").split("\n\n")[0].split())
    about = [_sentence(doc)]
    for line in _labelled(module.__doc__ or ""):
        about.append(f"- {cell(line)}")
    lines = [f"\n({_anchor(name)})=", f"### `{name}`\n", *about, ""]
    lines += ["| option | type | default |", "| --- | --- | --- |"]
    hints = typing.get_type_hints(_function(entry))
    for option, parameter in inspect.signature(entry.build).parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            default = value_text(parameter.default)
            lines.append(f"| `{option}` | {_type(hints[option])} | `{default}` |")
    return "\n".join(lines) + "\n"


def _type(hint: Any) -> str:
    if isinstance(hint, types.UnionType):
        return " or ".join(_type(part) for part in typing.get_args(hint))
    if hint is type(None):
        return "none"
    if isinstance(hint, type) and typing.get_origin(hint) is None and hint.__module__ != "builtins":
        return f"`{hint.__name__}`"
    return type_text(hint)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _labelled(doc: str) -> list[str]:
    """Return the paragraphs of a docstring that begin with Paper, Papers, Source or Changed."""
    found: list[str] = []
    for line in doc.splitlines():
        if line.startswith(("Paper:", "Papers:", "Source:", "Sources:", "Changed:")):
            found.append(line)
        elif found and line.strip() and not line.startswith(" "):
            found[-1] += f" {line.strip()}"
        elif not line.strip():
            found.append("")
    return [line for line in found if line]
