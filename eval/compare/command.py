"""`roadseg compare`: samplers over several seeds, and what each is worth at equal multiply-adds."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from roadseg.command_line import arguments
from roadseg.errors import RoadsegError
from roadseg.runs.run_folder import RunFolder

if TYPE_CHECKING:
    from rich.table import Table

    from roadseg.eval.compare.arms import Arm, Setting
    from roadseg.eval.compare.paired import Difference, Spread

EXAMPLE = """roadseg compare runs/*-uniform-seed* runs/*-density-seed*
roadseg compare runs/* --baseline prior --evaluation val-cityscapes --json"""
NAMES = {"miou": "mIoU", "boundary": "boundary 3 px", "small": "small classes"}
NOT_MEASURED = "not measured"


@dataclasses.dataclass(frozen=True)
class CompareOptions:
    """Group runs by their recipes but seed and sampling; print mean and deviation over the seeds,
    paired differences from a baseline, and the same at equal multiply-adds.
    """

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folders, several seeds of each arm; more sizes of the baseline give its curve."""
    baseline: str = "uniform"
    """Sampler that the others are compared with."""
    evaluation: tuple[str, ...] = ()
    """Kinds of evaluation, such as val-cityscapes; default: all of whole splits."""
    step: int | Literal["best", "last"] = "last"
    """Evaluated step."""
    json: bool = False
    """Print JSON instead of tables."""


def main(argv: Sequence[str]) -> int:
    """Run the command and return the exit status."""
    options = arguments.parse(CompareOptions, argv, command="compare", example=EXAMPLE)
    refuse_no_runs(options.runs)
    from roadseg.eval.compare.arms import load_arms
    from roadseg.eval.tables import console

    settings = load_arms(options.runs, options.evaluation, options.step)
    samplers = {arm.sampler for setting in settings for arm in setting.arms}
    if options.baseline not in samplers:
        raise RoadsegError(
            f"--baseline {options.baseline}: no run samples so; there are: "
            f"{', '.join(sorted(samplers))}"
        )
    if options.json:
        print(json.dumps(compare(settings, options.baseline), indent=1, allow_nan=False))
        return 0
    for table in tables(settings, options.baseline):
        console().print(table)
    console().print(
        "mean ± deviation over seeds, in percent; multiply-adds of one image of the training "
        "crop's size: network, sampler, solver and the interpolation of every score",
        soft_wrap=True,
    )
    return 0


def refuse_no_runs(paths: Sequence[Path]) -> None:
    """Raise RoadsegError for fewer than two runs, twice the same, and folders that are none."""
    if len(paths) < 2:
        raise RoadsegError("compare: name two runs at least; one has nothing to be compared with")
    if len({path.resolve() for path in paths}) < len(paths):
        raise RoadsegError("compare: the same run is named twice; name each once")
    for run in map(RunFolder, paths):
        if not run.exists:
            raise RoadsegError(f"{run.path}: no run here (no recipe.json); give a run folder")


def compare(settings: "Sequence[Setting]", baseline: str) -> list[dict[str, Any]]:
    """Return everything as JSON values, scores 0..1: a list of settings, kinds and arms."""
    from roadseg.eval.results.base import without_nan

    found = [
        {
            "model": setting.fields["model"],
            "setting": _title(settings, setting),
            "evaluation": kind,
            "arms": [_arm(setting, arm, baseline, kind) for arm in _arms(setting, kind)],
        }
        for setting in settings
        for kind in _kinds(setting)
    ]
    return list(without_nan(found))


def _arm(setting: "Setting", arm: "Arm", baseline: str, kind: str) -> dict[str, Any]:
    from roadseg.eval.compare.arms import SCORES
    from roadseg.eval.compare.paired import at_equal_cost, difference, needed_macs, partner, spread

    values: dict[str, Any] = {
        "arm": _label(setting, arm),
        "runs": [str(run.run.path) for run in arm.runs],
        "sampler": arm.sampler,
        "sampling_size": arm.sampling_size,
        "macs": arm.macs if arm.knows_cost(kind) else None,
        "scores": {s: dataclasses.asdict(spread(arm.by_seed(kind, s))) for s in SCORES},
    }
    if arm.sampler == baseline:
        return values
    other = partner(setting, arm, baseline, kind)
    if other is not None:
        values["baseline"] = _label(setting, other)
        values["difference"] = {
            s: _difference(difference(arm.by_seed(kind, s), other.by_seed(kind, s))) for s in SCORES
        }
    values["at_equal_macs"] = {
        s: _difference(at_equal_cost(setting, arm, baseline, kind, s)) for s in SCORES
    }
    values["baseline_macs_for_the_same"] = {
        s: needed_macs(setting, arm, baseline, kind, s) or NOT_MEASURED for s in SCORES
    }
    return values


def _difference(found: "Difference | None") -> Any:
    if found is None:
        return NOT_MEASURED
    return {**dataclasses.asdict(found.spread), "ahead": found.ahead}


def tables(settings: "Sequence[Setting]", baseline: str) -> "Iterator[Table]":
    """Yield for each setting and kind of evaluation the table of scores and that of differences."""
    for setting in settings:
        for kind in _kinds(setting):
            title = f"{_title(settings, setting)}: {kind}"
            yield _scores(title, setting, kind)
            if any(arm.sampler != baseline for arm in _arms(setting, kind)):
                yield _differences(setting, baseline, kind)


def _scores(title: str, setting: "Setting", kind: str) -> "Table":
    from roadseg.eval.compare.arms import SCORES
    from roadseg.eval.compare.paired import spread
    from roadseg.eval.tables import new_table

    table = new_table(title, "arm", "seeds", "multiply-adds (M)", *NAMES.values())
    for arm in _arms(setting, kind):
        spreads = [spread(arm.by_seed(kind, score)) for score in SCORES]
        seeds = " ".join(map(str, arm.by_seed(kind, "miou")))
        macs = f"{arm.macs / 1e6:,.1f}" if arm.knows_cost(kind) else "-"
        table.add_row(_label(setting, arm), seeds, macs, *map(_shown, spreads))
    return table


def _differences(setting: "Setting", baseline: str, kind: str) -> "Table":
    from roadseg.eval.compare.arms import SCORES
    from roadseg.eval.compare.paired import at_equal_cost, difference, needed_macs, partner
    from roadseg.eval.tables import new_table

    title = f"paired by seed with '{baseline}': points (seeds ahead)"
    table = new_table(title, "arm", "against", *NAMES.values())
    table.columns[1].justify = "left"
    for arm in _arms(setting, kind):
        if arm.sampler == baseline:
            continue
        other = partner(setting, arm, baseline, kind)
        by_seed = {score: arm.by_seed(kind, score) for score in SCORES}
        if other is None:
            cells = [NOT_MEASURED] * len(SCORES)
            against = "as many samples"
        else:
            found = [difference(by_seed[s], other.by_seed(kind, s)) for s in SCORES]
            cells, against = [_points(one) for one in found], _label(setting, other)
        table.add_row(_label(setting, arm), against, *cells)
        equal = [_points(at_equal_cost(setting, arm, baseline, kind, s)) for s in SCORES]
        table.add_row("", "at equal multiply-adds", *equal)
        needed = [needed_macs(setting, arm, baseline, kind, s) for s in SCORES]
        times = [NOT_MEASURED if n is None else f"x {n / arm.macs:.2f}" for n in needed]
        table.add_row("", "multiply-adds it needs for the same", *times)
    return table


def _arms(setting: "Setting", kind: str) -> "list[Arm]":
    """Return the arms that were evaluated so, the fewest samples first."""
    found = [arm for arm in setting.arms if any(kind in run.scores for run in arm.runs)]
    return sorted(found, key=lambda arm: arm.sampling_size or (0, 0))


def _kinds(setting: "Setting") -> list[str]:
    runs = [run for arm in setting.arms for run in arm.runs]
    return list(dict.fromkeys(kind for run in runs for kind in run.scores))


def _title(settings: "Sequence[Setting]", setting: "Setting") -> str:
    from roadseg.eval.compare.arms import differing

    others = [{k: v for k, v in one.fields.items() if k != "model"} for one in settings]
    mine = {k: v for k, v in setting.fields.items() if k != "model"}
    what = differing(others, mine)
    return f"{setting.fields['model']} ({what})" if what else str(setting.fields["model"])


def _label(setting: "Setting", arm: "Arm") -> str:
    """Return the sampling, with what tells it from arms of the same sampler and size."""
    from roadseg.eval.compare.arms import differing

    what = differing([o.fields for o in setting.arms if o.label == arm.label], arm.fields)
    return f"{arm.label}, {what}" if what else arm.label


def _shown(of: "Spread") -> str:
    # Only NaN differs from itself.
    if of.mean != of.mean:
        return "-"
    deviation = "" if of.deviation != of.deviation else f" ± {100 * of.deviation:.2f}"
    return f"{100 * of.mean:.2f}{deviation}"


def _points(found: "Difference | None") -> str:
    if found is None:
        return NOT_MEASURED
    of = found.spread
    deviation = "" if of.deviation != of.deviation else f" ± {100 * of.deviation:.2f}"
    return f"{100 * of.mean:+.2f}{deviation} ({found.ahead}/{len(of.by_seed)})"
