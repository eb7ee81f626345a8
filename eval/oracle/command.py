"""`roadseg eval --oracle`: the ceilings that samplers set."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from roadseg.command_line.arguments import parse
from roadseg.eval.progress import progress_bar

EXAMPLE = """\
roadseg eval --oracle --records records --sampling-size 64 128 --sampler.alpha 0.25 0.5
roadseg eval --oracle --records records --sampling-size 64 96x128 --sampler uniform nus prior \\
    density exact --sampler-run runs/prior runs/density"""


def _option(metavar: str, default: str = "", name: str | None = None) -> Any:
    hint = f"(default: {default})" if default else ""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=hint, name=name)


@tyro.conf.configure(tyro.conf.FlagCreatePairsOff)
@dataclasses.dataclass(frozen=True)
class OracleArguments:
    """Samples the true labels, brings them back to full size, prints the ceiling they set."""

    records: Annotated[Path, _option("DIR", "needed")]
    """Folder of records."""
    sampling_size: Annotated[tuple[str, ...], _option("N [N ...]", "needed")]
    """Samples per column and row (128, or 96x192); several give several rows."""
    sampler: Annotated[tuple[str, ...], _option("NAME [NAME ...]", "uniform nus")] = (
        "uniform",
        "nus",
    )
    """uniform, prior, nus, density, previous, exact; those without a run see the true labels."""
    sampler_run: Annotated[tuple[str, ...], _option("[KIND=]RUN [...]", "none")] = ()
    """Runs of samplers: their networks see the image."""
    split: Annotated[str, _option("NAME", "val")] = "val"
    """Split to look at."""
    strength: Annotated[float | None, _option("S", "the run's, or 0.6")] = None
    """How far samples follow a density, 0 to below 1."""
    grid: Annotated[tuple[int, int], _option("ROWS COLUMNS", "8 8", "sampler.grid-size")] = (8, 8)
    """Points of the exact grid of nus."""
    alpha: Annotated[tuple[float, ...], _option("A [A ...]", "0.5", "sampler.alpha")] = (0.5,)
    """Weight of the pull to boundaries; several give several rows."""
    classes: Annotated[
        tuple[str, ...] | None, _option("CLASS [...]", "the data set's for nus; the run's, or all")
    ] = None
    """Names or train ids whose boundaries attract samples, or 'all'."""
    crop: Annotated[tuple[int, int] | None, _option("HEIGHT WIDTH", "the full image")] = None
    """Central crop."""
    max_images: Annotated[int | None, _option("N", "all")] = None
    """Images from the start of the split."""
    workers: Annotated[int | None, _option("N", "one a core, at most 8")] = None
    """Threads."""
    json: Annotated[bool, _option("")] = False
    """Print JSON instead of a table."""


def main(argv: Sequence[str]) -> int:
    """Run the command with the arguments `argv`, `--oracle` left out; return the exit status."""
    return _oracle(parse(OracleArguments, argv, command="eval --oracle", example=EXAMPLE))


def _oracle(arguments: OracleArguments) -> int:
    from roadseg.eval import tables
    from roadseg.eval.oracle import ceilings
    from roadseg.eval.oracle.table import oracle_table

    options = ceilings.OracleOptions(
        records=arguments.records,
        samplers=arguments.sampler,
        sampler_runs=arguments.sampler_run,
        split=arguments.split,
        sampling_sizes=arguments.sampling_size,
        grid=arguments.grid,
        alphas=arguments.alpha,
        strength=arguments.strength,
        target_classes=arguments.classes,
        crop=arguments.crop,
        max_images=arguments.max_images,
        workers=arguments.workers,
    )
    with progress_bar("sampling labels") as progress:
        result = ceilings.oracle(options, progress)
    if arguments.json:
        print(result.to_json())
    else:
        tables.console().print(oracle_table(result))
    return 0
