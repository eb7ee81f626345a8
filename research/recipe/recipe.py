"""Every number that decides a training run, as one typed record that travels with the run."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadseg.errors import RoadsegError
from roadseg.files import read_json
from roadseg.recipe import groups
from roadseg.recipe.fields import FIELDS, check_types, check_values, near_names
from roadseg.recipe.old_format import new_names, new_values
from roadseg.recipe.protocol import Protocol, find_protocol

FORMAT = 2
"""Of recipe.json; files without a format are flat, as version 0.1 wrote them."""
SAMPLER_OF = {"prior_sampler": "prior", "nus_sampler": "nus", "density_sampler": "density"}
"""The sampler that a run of the task 'sampling_grid' trains, by its model."""
TRAINED_SAMPLERS = tuple(SAMPLER_OF.values())
DENSITY_MODELS = tuple(model for model, sampler in SAMPLER_OF.items() if sampler != "nus")
"""Models that learn a density."""


@dataclasses.dataclass(frozen=True)
class Recipe(groups.Top):
    """Values of one run: a few at the top, the others in groups. `source` says who gave them."""

    network: groups.Network = dataclasses.field(default_factory=groups.Network)
    start: groups.Start = dataclasses.field(default_factory=groups.Start)
    data: groups.Data = dataclasses.field(default_factory=groups.Data)
    augment: groups.Augment = dataclasses.field(default_factory=groups.Augment)
    class_uniform: groups.ClassUniform = dataclasses.field(default_factory=groups.ClassUniform)
    sampling: groups.Sampling = dataclasses.field(default_factory=groups.Sampling)
    sampler: groups.SamplerNetwork = dataclasses.field(default_factory=groups.SamplerNetwork)
    flow: groups.Flow = dataclasses.field(default_factory=groups.Flow)
    loss: groups.Loss = dataclasses.field(default_factory=groups.Loss)
    edges: groups.Edges = dataclasses.field(default_factory=groups.Edges)
    optimizer: groups.Optimizer = dataclasses.field(default_factory=groups.Optimizer)
    schedule: groups.Schedule = dataclasses.field(default_factory=groups.Schedule)
    batch_norm: groups.BatchNorm = dataclasses.field(default_factory=groups.BatchNorm)
    log: groups.Log = dataclasses.field(default_factory=groups.Log)
    protocol: Protocol = dataclasses.field(default_factory=Protocol)

    def replace(self, **changes: Any) -> "Recipe":
        """Return a copy with other values.

        changes: fields of the top by name; of a group either `group={"field": value}`, which leaves
        its other fields as they are, or `**{"group.field": value}`, or a whole group.
        A protocol's name brings that protocol's values.
        Raises RoadsegError for a name that is no field, naming the near ones, and for a value of
        another type than the field's.
        """
        inside: dict[str, dict[str, Any]] = {}
        top: dict[str, Any] = {}
        for name, value in changes.items():
            group, dot, field = name.partition(".")
            if dot:
                inside.setdefault(group, {})[field] = value
            elif name in groups.GROUPS and isinstance(value, Mapping):
                inside.setdefault(name, {}).update(value)
            else:
                top[name] = value
        for group, values in inside.items():
            typed = self._typed({f"{group}.{field}": value for field, value in values.items()})
            fields = {path.partition(".")[2]: value for path, value in typed.items()}
            before = top.get(group, getattr(self, group))
            if group == "protocol" and fields.get("name", before.name) != before.name:
                before = find_protocol(fields["name"])  # its other values come with the name
            top[group] = dataclasses.replace(before, **fields)
        whole = {name: top.pop(name) for name in [*top] if name in groups.GROUPS}
        for name, value in whole.items():
            if not isinstance(value, groups.GROUPS[name]):
                raise RoadsegError(f"{self.name}: {name} is {value!r}; give a dict of its fields")
        return dataclasses.replace(self, **self._typed(top), **whole)

    def _typed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values by dotted names, lists as tuples; raise RoadsegError as `replace` does."""
        for path in values:
            _known(path)
        typed = {path: _unchanging(value) for path, value in values.items()}
        check_types(typed, self.name, "see the fields of roadseg.Recipe")
        return typed

    def value(self, path: str) -> Any:
        """Return the value of a field: "steps", "augment.crop_size"."""
        _known(path)
        group, _, field = path.rpartition(".")
        return getattr(getattr(self, group) if group else self, field)

    def flat(self) -> dict[str, Any]:
        """Return every value by its dotted name, in the order of the fields."""
        return {path: self.value(path) for path in FIELDS}

    def to_json(self) -> str:
        """Return the recipe as indented JSON."""
        return json.dumps({"format": FORMAT, **dataclasses.asdict(self)}, indent=2)

    @classmethod
    def from_json(cls, path: Path) -> "Recipe":
        """Return the recipe stored in `path`; raise RoadsegError if it is not one."""
        values = read_json(path, "is this a run folder?", "no recipe here")
        if not isinstance(values, dict):
            raise RoadsegError(f"{path}: not a recipe ({type(values).__name__}); is this a run?")
        written = values.get("format", 1)
        if written not in (1, FORMAT):
            raise RoadsegError(
                f"{path}: format {written!r}, this version reads {FORMAT} and before; install a "
                "newer roadseg"
            )
        flat = stored_values(values)
        unknown = sorted(set(flat) - set(FIELDS))
        if unknown:
            raise RoadsegError(
                f"{path}: unknown fields {', '.join(unknown)}; written by another version?"
            )
        for name in ("name", "task", "source"):
            if name not in flat:
                raise RoadsegError(f"{path}: '{name}' is missing; copy the file again")
        flat = {path: _unchanging(value) for path, value in flat.items()}
        check_values(flat, path)
        try:
            return cls(flat["name"], flat["task"], flat["source"]).replace(**flat)
        except RoadsegError as error:  # of a protocol: its values are checked as it is made
            raise RoadsegError(f"{path}: {error}") from None


def _unchanging(value: Any) -> Any:
    """Return `value` with tuples for lists, in a dictionary of options as well."""
    if isinstance(value, dict):
        return {name: _unchanging(inner) for name, inner in value.items()}
    return tuple(value) if isinstance(value, list) else value


def stored_values(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a recipe as JSON holds it, of any format, by their names of today."""
    values = dict(stored)
    if values.pop("format", 1) == 1:
        return new_names(values)
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if name in groups.GROUPS and isinstance(value, dict):
            flat.update({f"{name}.{field}": inner for field, inner in value.items()})
        else:
            flat[name] = value
    return new_values(flat)


def _known(path: str) -> None:
    """Raise RoadsegError for a name that is no field, naming the near ones."""
    if path not in FIELDS and path not in groups.GROUPS:
        raise RoadsegError(f"a recipe has no field '{path}'; {near_names(path)}")
