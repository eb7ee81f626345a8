"""`roadseg eval`: the metrics of a run, once or following its checkpoints, or the oracle's."""

import dataclasses
import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from roadseg.command_line.arguments import parse
from roadseg.errors import RoadsegError
from roadseg.eval.cores import share_cores
from roadseg.eval.progress import progress_bar, say
from roadseg.eval.protocol_options import ProtocolArguments
from roadseg.eval.replaced import SamplerArguments
from roadseg.eval.spread import is_spread, joined
from roadseg.files import refuse_unwritable

if TYPE_CHECKING:
    from roadseg.eval.evaluation import Evaluation
    from roadseg.eval.job import EvaluationOptions
    from roadseg.eval.results.base import BaseResult
    from roadseg.eval.spread import Group

EXAMPLE = """\
roadseg eval runs/uniform128
roadseg eval runs/density128 --protocol nus --follow --sampler uniform
roadseg eval runs/sfnet --protocol sfsegnets --tile 832 --flip --save-predictions pictures
roadseg eval --oracle --records records --sampling-size 64 128
roadseg eval --model dabnet/cityscapes --records records"""


Interpolation = Literal["graph", "mesh", "delaunay"]


def _option(metavar: str, default: str = "") -> Any:
    hint = f"(default: {default})" if default else ""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=hint)


@tyro.conf.configure(tyro.conf.FlagCreatePairsOff)
@dataclasses.dataclass(frozen=True)
class Arguments:
    """Evaluate a run. Results go to RUN/evaluation, metrics.jsonl, TensorBoard and best.json."""

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folder. Instead: --model (published weights) or --oracle (samplers alone)."""
    split: Annotated[str, _option("NAME", "val")] = "val"
    """Split to evaluate on."""
    protocol: Annotated[str | None, _option("NAME", "the recipe's")] = None
    """cityscapes, nus (central crop), fast_seg, espnet, sfsegnets, sgcpnet."""
    interpolation: Annotated[Interpolation | None, _option("NAME", "graph; nus: delaunay")] = None
    """Samples to pixels: graph, mesh (native), delaunay."""
    step: Annotated[str, _option("STEP", "last")] = "last"
    """A step, 'last' or 'best'."""
    records: Annotated[Path | None, _option("DIR", "the recipe's")] = None
    """Folder of records."""
    max_images: Annotated[int | None, _option("N", "all")] = None
    """Images from the start of the split."""
    batch_size: Annotated[int, _option("N", "1")] = 1
    """Images in the graph together."""
    shown: Annotated[ProtocolArguments, tyro.conf.arg(name="")] = ProtocolArguments()
    sampling: Annotated[SamplerArguments, tyro.conf.arg(name="")] = SamplerArguments()
    boundary_f: Annotated[bool, _option("")] = False
    """Measure the boundary F-score too."""
    save_predictions: Annotated[Path | None, _option("DIR")] = None
    """Write labels, overlays, differences there."""
    follow: Annotated[bool, _option("")] = False
    """Wait for checkpoints; evaluate each once."""
    interval: Annotated[float, _option("S", "300")] = 300.0
    """--follow: least seconds between two."""
    until_step: Annotated[int | None, _option("N", "the last")] = None
    """--follow: the step that ends it."""
    max_evaluations: Annotated[int | None, _option("N", "no limit")] = None
    """--follow: most; 0: endless."""
    json: Annotated[bool, _option("")] = False
    """Print JSON instead of tables."""


def main(argv: Sequence[str]) -> int:
    """Run `roadseg eval` with the arguments `argv`; return the exit status."""
    arguments = list(argv)
    if is_spread():
        _refuse_alone(arguments)
    if "--oracle" in arguments:
        arguments.remove("--oracle")
        from roadseg.eval.oracle import command

        return command.main(arguments)
    if any(word == "--model" or word.startswith("--model=") for word in arguments):
        from roadseg.eval import preset_scores

        return preset_scores.main(arguments)
    return _evaluate(parse(Arguments, arguments, command="eval", example=EXAMPLE))


def parse_step(text: str) -> int | Literal["best", "last"]:
    """Return the step that `text` names; raise RoadsegError for anything else."""
    if text == "best" or text == "last":
        return text  # type: ignore[return-value]
    if not text.isdecimal():
        raise RoadsegError(f"--step {text}: give a step (a whole number), 'last' or 'best'")
    return int(text)


def _changes(arguments: Arguments) -> dict[str, Any]:
    """Return the fields of the protocol that the options change."""
    changes = arguments.shown.changes()
    if arguments.interpolation is not None:
        changes["interpolation"] = arguments.interpolation
    return changes


def refuse(argv: Sequence[str]) -> None:
    """Raise RoadsegError for what several workers would refuse before TensorFlow is imported."""
    _refuse_alone(argv)
    arguments = parse(Arguments, argv, command="eval", example=EXAMPLE)
    _refuse(arguments, _options(arguments))


def _refuse_alone(argv: Sequence[str]) -> None:
    """Raise RoadsegError for evaluations that several workers cannot share."""
    words = [part for word in argv for part in word.split("=", 1)]
    # With the last one each frame needs the labels of the one before.
    for option in ("--oracle", "--model", "--follow", "--sampler previous"):
        if f" {option} " in f" {' '.join(words)} ":
            raise RoadsegError(
                f"{option}: of one process alone; leave `roadseg launch` out, or unset TF_CONFIG"
            )


def _evaluate(arguments: Arguments) -> int:
    options = _options(arguments)
    _refuse(arguments, options)
    if arguments.follow:
        return _follow(arguments, options)
    share_cores()
    with joined() as group:
        return _evaluate_once(arguments, options, group)


def _options(arguments: Arguments) -> "EvaluationOptions":
    from roadseg.eval.job import EvaluationOptions

    return EvaluationOptions(
        records=arguments.records,
        split=arguments.split,
        protocol=arguments.protocol,
        changes=_changes(arguments),
        step=parse_step(arguments.step),
        max_images=arguments.max_images,
        batch_size=arguments.batch_size,
        sampling=arguments.sampling,
        boundary_f=arguments.boundary_f,
        save_predictions=arguments.save_predictions,
    )


def _refuse(arguments: Arguments, options: "EvaluationOptions") -> None:
    """Raise RoadsegError for what can be seen before TensorFlow is imported."""
    from roadseg.eval.evaluation import refuse_early
    from roadseg.runs.run_folder import RunFolder

    if arguments.follow and options.save_predictions:
        raise RoadsegError("--save-predictions with --follow: of one step only; leave one out")
    if arguments.follow and options.step != "last":
        raise RoadsegError(f"--step {arguments.step}: --follow takes every step; leave one out")
    run = RunFolder(arguments.run)
    if options.save_predictions:
        refuse_unwritable(options.save_predictions, "--save-predictions", is_folder=True)
    if run.exists:
        refuse_unwritable(run.path / "evaluation", "RUN", is_folder=True)
    if not arguments.follow:
        refuse_early(run, options)


def _evaluate_once(arguments: Arguments, options: "EvaluationOptions", group: "Group") -> int:
    from roadseg.eval.evaluation import Evaluation
    from roadseg.eval.watch import evaluate_and_store, evaluate_with_others, pruned
    from roadseg.runs.run_folder import RunFolder

    # Labels are checked once, by the first worker; the others find that noted.
    evaluation = group.after_first(lambda: Evaluation(RunFolder(arguments.run), options, group))
    step = group.together(evaluation.find_step)
    if group.count > 1:
        step = evaluation.agreed(step)
    with progress_bar(f"step {step}") if group.writes else nullcontext() as progress:
        result = (evaluate_with_others if group.count > 1 else evaluate_and_store)(
            evaluation, step, progress
        )
    if result is None:
        raise pruned(evaluation.run, step)
    if group.writes:
        _print_result(evaluation, result, arguments.json)
    return 0


def _follow(arguments: Arguments, options: "EvaluationOptions") -> int:
    from roadseg.eval.evaluation import Evaluation
    from roadseg.eval.watch import FollowOptions, follow, wait_for_run
    from roadseg.runs.run_folder import RunFolder

    run = RunFolder(arguments.run)
    wait_for_run(run, report=say)
    share_cores()
    evaluation = Evaluation(run, options)
    when = FollowOptions(arguments.interval, arguments.until_step, arguments.max_evaluations)
    with progress_bar("evaluating") as progress:
        for result in follow(evaluation, when, progress, report=say):
            _print_event(evaluation, result, arguments.json)
    return 0


def _print_result(evaluation: "Evaluation", result: "BaseResult", as_json: bool) -> None:
    from roadseg.eval import tables

    if as_json:
        print(result.to_json())
        return
    console = tables.console()
    for table in tables.result_tables(result):
        console.print(table)
    console.print(f"written: {evaluation.result_path(result.step)}", soft_wrap=True)


def _print_event(evaluation: "Evaluation", result: "BaseResult", as_json: bool) -> None:
    """Print one line for one of many evaluations."""
    name, value = result.main_metric
    if as_json:
        print(json.dumps({"step": result.step, name: value}), flush=True)
        return
    best = " (best so far)" if evaluation.run.best_step() == result.step else ""
    print(f"step {result.step}: {name} {value:.6f}{best}", flush=True)
