"""Runs as arms of an experiment: what differs between them but the seed, and how they scored."""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.costs import run_cost
from roadseg.eval.report.data import result_path, run_names
from roadseg.eval.results.load import load_result
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe.recipe import Recipe
from roadseg.runs.run_folder import RunFolder
from roadseg.tasks.table import task_of

BOUNDARY_PX = 3
SCORES = ("miou", "boundary", "small")
"""Mean IoU, accuracy within BOUNDARY_PX of a boundary, mean IoU of the small classes; 0..1."""
BOOKKEEPING = frozenset(
    {
        "name",
        "source",
        "measured",
        "seed",
        "records",
        "sampling.sampler_run",
        "data.cache",
        "sampler.targets",
        "xla",
    }
    | {"log.checkpoint_every_steps", "log.checkpoint_every_seconds", "log.keep_checkpoints"}
    | {"log.summary_every_steps", "log.pictures_every_steps"}
)
"""Fields that do not say what is learned, or say it by a path: a sampler counts by its recipe."""
ARM_FIELDS = ("sampling.kind", "sampling.size", "sampling.strength", "sampling.window", "loss.size")
"""Fields in which arms of one setting differ."""
Fields = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class ArmRun:
    """One run with the scores of its evaluations."""

    name: str
    run: RunFolder
    recipe: Recipe
    scores: dict[str, dict[str, float]]
    """By kind of evaluation ('val-cityscapes') and score."""
    images: dict[str, tuple[str, ...]]
    """Names of the images of each kind."""
    replaced: frozenset[str]
    """Kinds in which another sampler than the run's own was used."""

    @property
    def setting(self) -> Fields:
        """What is compared only with itself: the recipe but for seed and sampling."""
        fields = self.recipe.flat()
        return {k: v for k, v in fields.items() if k not in BOOKKEEPING and k not in ARM_FIELDS}

    @cached_property
    def arm(self) -> Fields:
        """What makes the arm: how it samples, and the recipe of its sampler."""
        recipe = self.recipe
        fields = {name: recipe.value(name) for name in ARM_FIELDS}
        if recipe.sampling.kind not in ("prior", "density"):
            # The others follow no density: whatever stands there made no difference.
            fields.pop("sampling.strength")
        if recipe.sampling.kind == "none":
            return {"sampling.kind": "none"}
        if self.run.sampler_folder.exists:
            own = self.run.sampler_folder.recipe.flat()
            fields |= {f"sampler: {k}": v for k, v in own.items() if k not in BOOKKEEPING}
        return fields


@dataclasses.dataclass(frozen=True)
class Arm:
    """Runs that differ in their seed alone."""

    fields: Fields
    runs: tuple[ArmRun, ...]

    @property
    def sampler(self) -> str:
        """Name of the sampler."""
        return str(self.fields["sampling.kind"])

    @property
    def sampling_size(self) -> tuple[int, int] | None:
        """Samples (rows, columns); None without sampling."""
        return self.fields.get("sampling.size")

    @property
    def label(self) -> str:
        """The sampling in words: 'density 96x128'."""
        return " ".join([self.sampler, *("x".join(map(str, s)) for s in [self.sampling_size] if s)])

    @cached_property
    def macs(self) -> int:
        """Multiply-adds of one image of the training crop's size: network, sampler, solver, and
        the interpolation of every score."""
        cost = run_cost(self.runs[0].run)
        return cost.macs + cost.views * cost.interpolation

    def by_seed(self, kind: str, score: str) -> dict[int, float]:
        """Return seed -> score of the runs that were evaluated so; NaN ones left out."""
        found = {
            run.recipe.seed: run.scores[kind][score] for run in self.runs if kind in run.scores
        }
        return {seed: found[seed] for seed in sorted(found) if not math.isnan(found[seed])}

    def knows_cost(self, kind: str) -> bool:
        """Whether evaluations of `kind` used the sampler that `macs` counts."""
        return not any(kind in run.replaced for run in self.runs)


@dataclasses.dataclass(frozen=True)
class Setting:
    """Arms that differ in their sampling alone."""

    fields: Fields
    arms: tuple[Arm, ...]


def load_arms(
    paths: Sequence[Path],
    kinds: Sequence[str] = (),
    step: int | Literal["best", "last"] = "last",
) -> list[Setting]:
    """Return the arms of the runs at `paths`, by setting, in the order in which they are named.

    kinds: kinds of evaluation to read; none: all of whole splits by the run's own sampler.
    Raises RoadsegError for runs of other tasks, without an
    evaluation or of different data sets, and two runs of one seed in an arm.
    """
    runs = [RunFolder(path) for path in paths]
    for run in runs:
        task = task_of(run.recipe)
        if not task.labels_images:
            raise RoadsegError(f"{run.path}: it learns {task.learns}; compare segmentation runs")
    _check_classes(runs)
    loaded = [_load(*pair, kinds, step) for pair in zip(runs, run_names(runs), strict=True)]
    _check_images(loaded)
    settings = []
    for of_setting in _grouped(loaded, [run.setting for run in loaded]):
        arms = _grouped(of_setting, [run.arm for run in of_setting])
        made = tuple(Arm(group[0].arm, tuple(group)) for group in arms)
        settings.append(Setting(of_setting[0].setting, made))
        for arm in made:
            _check_seeds(arm)
    return settings


def differing(all_fields: Sequence[Fields], of: Fields) -> str:
    """Return the fields of `of` in which `all_fields` are not all alike: 'loss.size=half'."""
    names = [
        name
        for name in dict.fromkeys(name for fields in all_fields for name in fields)
        if any(fields.get(name) != all_fields[0].get(name) for fields in all_fields)
    ]
    return ", ".join(f"{name}={of[name]}" for name in names if name in of)


def _load(
    run: RunFolder, name: str, kinds: Sequence[str], step: int | Literal["best", "last"]
) -> ArmRun:
    there = sorted({path.parent.name for path in (run.path / "evaluation").glob("*/step-*.json")})
    missing = [kind for kind in kinds if kind not in there]
    if missing:
        raise RoadsegError(
            f"{run.path}: no evaluation '{missing[0]}'; there are: {', '.join(there) or 'none'}"
        )
    scores, images, replaced = {}, {}, set()
    table = run.label_table
    for kind in kinds or there:
        result = load_result(result_path(run, kind, step))
        assert isinstance(result, SegmentationResult)
        # Unless asked for, parts of a split and other samplers are not compared.
        if not kinds and (result.limit is not None or result.sampler):
            continue
        if result.sampler:
            replaced.add(kind)
        scores[kind] = _scores(result, table)
        images[kind] = tuple(sorted(image.name for image in result.per_image))
    if not scores:
        raise RoadsegError(
            f"{run.path}: not evaluated on a whole split yet; `roadseg eval {run.path}` does it"
        )
    return ArmRun(name, run, run.recipe, scores, images, frozenset(replaced))


def _scores(result: SegmentationResult, table: LabelTable) -> dict[str, float]:
    near = [band.accuracy for band in result.boundary if band.radius_px == BOUNDARY_PX]
    small = table.small_classes
    return {
        "miou": result.miou,
        "boundary": near[0] if near else math.nan,
        "small": result.metrics().mean_iou_of(small) if small else math.nan,
    }


def _grouped(runs: Sequence[ArmRun], keys: Iterable[Fields]) -> list[list[ArmRun]]:
    groups: list[tuple[Fields, list[ArmRun]]] = []
    for run, key in zip(runs, keys, strict=True):
        # By comparison: a dictionary cannot be a key.
        group = next((members for known, members in groups if known == key), None)
        if group is None:
            groups.append((key, [run]))
        else:
            group.append(run)
    return [members for _, members in groups]


def _check_classes(runs: Sequence[RunFolder]) -> None:
    first = runs[0].label_table
    for run in runs[1:]:
        table = run.label_table
        if (table.name, table.names, table.ignore) != (first.name, first.names, first.ignore):
            raise RoadsegError(
                f"{run.path}: its data set is '{table.name}' of {table.num_classes} classes, that "
                f"of {runs[0].path} '{first.name}' of {first.num_classes}; compare runs of one"
            )


def _check_images(runs: Sequence[ArmRun]) -> None:
    first: dict[str, ArmRun] = {}
    for run in runs:
        for kind, names in run.images.items():
            other = first.setdefault(kind, run)
            if other.images[kind] != names:
                raise RoadsegError(
                    f"{run.run.path}: '{kind}' is of {len(names)} images, and of others "
                    f"({len(other.images[kind])}) for {other.run.path}; evaluate both on the same"
                )


def _check_seeds(arm: Arm) -> None:
    seen: dict[int, ArmRun] = {}
    for run in arm.runs:
        other = seen.setdefault(run.recipe.seed, run)
        if other is not run:
            raise RoadsegError(
                f"{run.run.path}: seed {run.recipe.seed} of '{arm.label}' again, after "
                f"{other.run.path}; leave one of them out"
            )
