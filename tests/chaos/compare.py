"""Whether two folders hold the same: files, arrays, events and curves, but for times.

`differences` names every file and every name in it. What is left out is in `TIMES` alone.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

TIMES = frozenset({"time", "seconds", "images_per_second", "exported"})
"""Names of values, and of curves, that say when or how long: no two runs agree in them."""
_TIMELESS_EVENTS = frozenset({"begun", "resumed", "stopped"})
"""Events of metrics.jsonl that tell of interruptions."""
_SAVED_MODEL = ("saved_model.pb", "fingerprint.pb")


def differences(reference: Path, other: Path) -> list[str]:
    """Return a line 'FILE: what differs' for each difference; paths relative to the folders."""
    ours, theirs = _units(reference), _units(other)
    lines = [f"{name}: missing" for name in sorted(ours - theirs)]
    lines += [f"{name}: not in the reference" for name in sorted(theirs - ours)]
    for name in sorted(ours & theirs):
        found = _compare(reference / name, other / name)
        lines += [f"{name}: {line}" for line in found]
    return lines


def _units(folder: Path) -> set[str]:
    """Return the names of what is compared: files, TensorBoard's folders and SavedModels as one."""
    found = set()
    for base, folders, files in os.walk(folder):
        place = Path(base).relative_to(folder)
        if any(_is_event_file(name) for name in files):
            found.add(place.as_posix())
        if _SAVED_MODEL[0] in files:
            found.add(place.as_posix())
            files = [name for name in files if name not in _SAVED_MODEL]
            folders[:] = [name for name in folders if name != "variables"]
        found |= {(place / name).as_posix() for name in files if not _is_event_file(name)}
        if not folders and not files:
            found.add(f"{place.as_posix()}/")
    return found


def _is_event_file(name: str) -> bool:
    return name.startswith("events.out.tfevents.")


def _compare(ours: Path, theirs: Path) -> Iterator[str]:
    if (ours / _SAVED_MODEL[0]).is_file():
        yield from _of_names(_saved_model(ours), _saved_model(theirs), "SavedModel ")
    elif ours.is_dir():
        yield from _of_names(curves(ours), curves(theirs), "curve ")
    elif ours.name == "metrics.jsonl":
        yield from _of_names(events(ours), events(theirs), "event ")
    elif timeless(ours) == timeless(theirs):
        return
    elif ours.suffix == ".npz":
        yield from _of_names(_arrays(ours), _arrays(theirs), "array ")
    elif ours.suffix == ".json":
        found = list(_of_json(_json(ours), _json(theirs)))
        yield from found
    else:
        yield _first_byte(timeless(ours), timeless(theirs))


def timeless(path: Path) -> bytes:
    """Return the bytes of a file, without the time of a model card."""
    if path.name == "model_card.md":
        return re.sub(rb"(?m)^Exported \S+", b"Exported", path.read_bytes())
    return path.read_bytes()


def _of_names(ours: dict[str, Any], theirs: dict[str, Any], what: str) -> Iterator[str]:
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in theirs:
            yield f"{what}{name} is missing"
        elif name not in ours:
            yield f"{what}{name} is not in the reference"
        elif ours[name] != theirs[name]:
            yield f"{what}{name}: {_short(ours[name])} became {_short(theirs[name])}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _arrays(path: Path) -> dict[str, Any]:
    with np.load(path) as file:
        return {name: _Array(file[name]) for name in file.files}


class _Array:
    """An array that equals another of the same type, shape and bytes (of NaN too)."""

    def __init__(self, value: np.ndarray):
        self.value = value

    def _key(self) -> tuple[Any, ...]:
        return self.value.dtype.str, self.value.shape, self.value.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Array) and self._key() == other._key()

    def __repr__(self) -> str:
        few = self.value.ravel()[:3].tolist()
        return f"{self.value.dtype}{list(self.value.shape)} {few}"


def _saved_model(folder: Path) -> dict[str, Any]:
    """Return the variables of a SavedModel, and what it gives for an image.

    The names of its functions count what was traced before it, which a command that found
    something to clear up does in another order. Its fingerprint is of these names.
    """
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    names = set(reader.get_variable_to_shape_map()) - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    found: dict[str, Any] = {name: _Array(np.asarray(reader.get_tensor(name))) for name in names}
    loaded = tf.saved_model.load(str(folder))
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 128, 3), dtype=np.uint8)
    given = loaded.signatures["serving_default"](image=tf.constant(image))
    return found | {f"output {name}": _Array(value.numpy()) for name, value in given.items()}


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _of_json(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted((ours.keys() | theirs.keys()) - TIMES):
            yield from _of_json(ours.get(name), theirs.get(name), f"{place}/{name}")
    elif ours != theirs:
        yield f"{place}: {_short(ours)} became {_short(theirs)}"


def _first_byte(ours: bytes, theirs: bytes) -> str:
    if len(ours) != len(theirs):
        return f"{len(ours)} bytes became {len(theirs)}"
    pairs = zip(ours, theirs, strict=True)
    place = next(number for number, (one, other) in enumerate(pairs) if one != other)
    return f"byte {place} of {len(ours)}: {ours[place]} became {theirs[place]}"


def events(path: Path) -> dict[str, Any]:
    """Return what metrics.jsonl says of each step, without times, by the kind of event and step.

    A step that was trained again is said again. Once is enough where both agree; otherwise all are
    kept. A line that was cut short is none.
    """
    found: dict[str, list[Any]] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event["event"] in _TIMELESS_EVENTS:
            continue
        named = ("event", "step", "split", "protocol", "sampler", "limit")
        name = " ".join(str(event[key]) for key in named if event.get(key) is not None)
        value = {key: event[key] for key in event if key not in TIMES}
        if value not in (known := found.setdefault(name, [])):
            known.append(value)
    return found


def curves(folder: Path) -> dict[str, Any]:
    """Return the values of TensorBoard's logs in `folder` by tag and step, as `events` does."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    found: dict[str, set[bytes]] = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.tag not in TIMES:
                    place = f"{value.tag} at {event.step}"
                    found.setdefault(place, set()).add(value.tensor.SerializeToString())
    return found
