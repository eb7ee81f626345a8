"""Who races: what each name on the command line stands for, and what is wrong with it early."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.race.pixels import InputOptions
from roadseg.inference.runtime_files import RUNTIMES, runtime_of
from roadseg.network_names import refuse_unknown_network

Kind = Literal["file", "saved_model", "run", "preset", "network"]
# What an exported folder holds, by the name of its one file.
EXPORTED = ("model.onnx", "model.xml", "model.tflite")


@dataclass(frozen=True)
class Contestant:
    """Something that labels images, and on whose side it is."""

    name: str
    """As the user wrote it."""
    kind: Kind
    source: str
    """A path, or the name of a network or preset."""
    runtime: str
    """What runs it, for people."""
    ours: bool = True


@dataclass(frozen=True)
class Setting:
    """What all contestants are told alike."""

    threads: int
    warm_up: int
    inputs: InputOptions = InputOptions()
    output: str | None = None
    """Name or number of the output that holds labels or logits, of files."""
    num_classes: int = 19
    """Of untrained networks."""
    options: dict[str, Any] = field(default_factory=dict)
    """Of untrained networks."""


def contestants(names: Sequence[str], against: Sequence[str]) -> list[Contestant]:
    """Return ours and then the others; RoadsegError for what cannot race here."""
    ours = [_ours(name) for name in names]
    if not ours:
        raise RoadsegError(
            "--against: nothing of ours to race; name a run, preset, network, export or file first"
        )
    others = []
    for name in against:
        path = Path(name)
        if (path / "saved_model.pb").is_file():
            others.append(Contestant(name, "saved_model", name, "TensorFlow", ours=False))
        else:
            others.append(Contestant(name, "file", name, runtime_of(path).title, ours=False))
    return [*ours, *others]


def as_files(
    found: Sequence[Contestant],
    formats: Sequence[str],
    setting: Setting,
    size: tuple[int, int],
    folder: Path,
) -> list[Contestant]:
    """Return `found` with a file in each of `formats` behind each untrained network.

    size: of the images (height, width) that the files take. folder: they are written below it.
    Raises RoadsegError where a network cannot be written.
    """
    from roadseg.eval.benchmark.runtimes import TITLES, write_labels

    raced = []
    for one in found:
        raced.append(one)
        if one.kind == "network":
            print(f"{one.name}: exporting", file=sys.stderr, flush=True)
            to = folder / one.name
            write_labels(one.source, setting.num_classes, size, setting.options, formats, to)
            for name in formats:
                file = str(_exported(to / name))
                raced.append(Contestant(f"{one.name}, {name}", "file", file, TITLES[name]))
    return raced


def is_file(name: str) -> bool:
    """Return whether a name is that of a file that can race, or of a folder that holds one."""
    return Path(name).suffix.lower() in RUNTIMES or _exported(Path(name)) is not None


def _ours(name: str) -> Contestant:
    from roadseg.weights.presets import PRESETS

    path = Path(name)
    exported = _exported(path)
    if exported is not None or path.suffix.lower() in RUNTIMES:
        file = exported or path
        return Contestant(name, "file", str(file), runtime_of(file).title)
    if (path / "saved_model.pb").is_file():
        return Contestant(name, "saved_model", name, "TensorFlow")
    if name in PRESETS:
        return Contestant(name, "preset", name, "Keras graph")
    if path.exists():
        return Contestant(name, "run", name, "Keras graph")
    refuse_unknown_network(name)
    return Contestant(name, "network", name, "Keras graph")


def _exported(folder: Path) -> Path | None:
    """Return the file of an exported folder; None if there is none."""
    found = [folder / file for file in EXPORTED if (folder / file).is_file()]
    return found[0] if found else None
