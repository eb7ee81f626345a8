"""Runs, SavedModels and networks behind sampling, counted and timed from image to labels.

Networks alone, timed as their originals were, are in `network_times`.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.errors import RoadsegError
from roadseg.tasks.table import task_of

if TYPE_CHECKING:
    import keras
    from rich.table import Table

    from roadseg.eval.benchmark.costs import Cost
    from roadseg.eval.benchmark.latency import Latency
    from roadseg.eval.benchmark.options import BenchmarkOptions
    from roadseg.runs.run_folder import RunFolder
    from roadseg.sampling import Sampler


@dataclasses.dataclass(frozen=True)
class Row:
    """One network in one setting; cost is None for a SavedModel, latency if nothing was timed."""

    name: str
    sampling: str
    form: str
    cost: "Cost | None" = None
    latency: "Latency | None" = None


def benchmark(options: "BenchmarkOptions", size: tuple[int, int]) -> Iterator[Row]:
    """Yield the rows of everything that `options` name, for images of `size`."""
    from roadseg.models import registry

    names = [*options.names]
    if options.all:
        names += [name for name in registry.list_models("segmentation") if name not in names]
    for name in names:
        path = Path(name)
        if (path / "saved_model.pb").is_file():
            yield from _saved_model_rows(path, options, size)
        elif (path / "recipe.json").is_file():
            yield from _run_rows(path, options, size)
        else:
            yield from _network_rows(name, options, size)


def _network_rows(name: str, options: "BenchmarkOptions", size: tuple[int, int]) -> Iterator[Row]:
    from roadseg.models import registry

    chosen = options.builder_options()
    if name not in registry.list_models("flow"):
        chosen["num_classes"] = options.num_classes
    network = registry.create(name, **chosen)
    if not options.sampling_size:
        yield from _model_rows(name, "none", network, options, size)
        return
    from roadseg.eval.oracle.ceilings import sampling_size
    from roadseg.sampling import SampledSegmenter

    for text in options.sampling_size:
        samples = sampling_size(text)
        for kind in options.sampler or ("uniform", "nus", "density"):
            try:
                segmenter = SampledSegmenter(network, _untrained(kind, size), samples)
            except RoadsegError:
                raise
            except ValueError as error:
                raise RoadsegError(f"--sampling-size {text}: {error}") from None
            sampling = "{} {}x{}".format(kind, *samples)
            yield from _model_rows(name, sampling, segmenter, options, size)


def _untrained(kind: str, size: tuple[int, int]) -> "Sampler":
    """Return the sampler `kind` as it is trained for images of `size`, without its weights."""
    from roadseg.models.density_sampler import density_sampler
    from roadseg.sampling import make_sampler
    from roadseg.sampling.density_targets import cells_of, thumbnail_size

    if kind in ("exact", "previous"):
        raise RoadsegError(
            f"--sampler {kind}: it samples by labels, so there is nothing to time; choose from "
            "uniform, prior, nus, density"
        )
    if kind == "density":
        return make_sampler(kind, network=density_sampler(thumbnail_size(size)))
    return make_sampler(kind, cells=cells_of(size)) if kind == "prior" else make_sampler(kind)


def _run_rows(path: Path, options: "BenchmarkOptions", size: tuple[int, int]) -> Iterator[Row]:
    from roadseg.eval.benchmark.costs import run_cost
    from roadseg.runs.run_folder import RunFolder

    run = RunFolder(path)
    recipe = run.recipe
    sampling: str = recipe.sampling.kind
    if sampling != "none":
        sampling += " {}x{}".format(*recipe.sampling.size)
    if options.count:
        yield Row(path.name, sampling, "as trained", run_cost(run, size, evaluation=False))
        yield Row(path.name, sampling, "as evaluated", run_cost(run, size))
        return
    if task_of(recipe).is_sampler:
        raise RoadsegError(f"{path}: it learns sampling grids and labels nothing; use --count")
    yield from _model_rows(path.name, sampling, run.load_segmenter(), options, size, run)


def _model_rows(
    name: str,
    sampling: str,
    model: "keras.Model",
    options: "BenchmarkOptions",
    size: tuple[int, int],
    run: "RunFolder | None" = None,
) -> Iterator[Row]:
    from roadseg.eval.benchmark.costs import segmenter_cost
    from roadseg.eval.benchmark.saved_model import as_saved_model, labelling_function

    cost = segmenter_cost(model, size)
    if options.count:
        yield Row(name, sampling, "graph", cost)
        return
    function = labelling_function(model)
    yield Row(name, sampling, "graph", cost, _time(function, options, size, run))
    if options.saved_model:
        with as_saved_model(function, model) as loaded:
            yield Row(name, sampling, "SavedModel", cost, _time(loaded, options, size, run))


def _saved_model_rows(
    path: Path, options: "BenchmarkOptions", size: tuple[int, int]
) -> Iterator[Row]:
    from roadseg.eval.benchmark.saved_model import SavedLabels

    if options.count:
        raise RoadsegError(f"{path}: a SavedModel cannot be counted; name the run it came from")
    yield Row(path.name, "", "SavedModel", None, _time(SavedLabels(path), options, size))


def _time(
    function: Callable[[Any], Any],
    options: "BenchmarkOptions",
    size: tuple[int, int],
    run: "RunFolder | None" = None,
) -> "Latency":
    from roadseg.eval.benchmark.latency import measure
    from roadseg.eval.benchmark.saved_model import SavedLabels, timing_images

    images = timing_images(size, options.batch_size, run)
    if isinstance(function, SavedLabels):
        images = function.taken(images)
    return measure(lambda: function(images).numpy(), options.warm_up, options.repeats)


def table(rows: Sequence[Row], count: bool) -> "Table":
    """Return `rows` for the terminal: exact counts if `count`, else millions beside latencies.

    Behind sampling, what sampler and interpolation cost is given in percent of the network.
    """
    from roadseg.eval.tables import new_table

    sampled = any(row.cost is not None and row.cost.interpolation for row in rows)
    columns = ["network", "sampling", "form", "parameters"]
    columns += ["multiply-adds", "notebook's count"] if count else ["multiply-\nadds (M)"]
    columns += ["sampler", "inter-\npolation"] if sampled else []
    columns += [] if count else ["median\nms", "quartiles", "CPU ms"]
    result = new_table("operations" if count else "benchmark", *columns)
    for row in rows:
        cells = [row.name, row.sampling, row.form, *_counts(row.cost, count, sampled)]
        if row.latency is not None:
            time = row.latency
            cells += [f"{time.median_ms:.1f}", f"{time.low_ms:.1f}-{time.high_ms:.1f}"]
            cells += [f"{time.cpu_ms:.1f}"]
        result.add_row(*cells)
    if sampled:
        result.caption = (
            "sampler (in the multiply-adds) and interpolation of every logit (not in them): "
            "percent of the network's multiply-adds"
        )
    return result


def _counts(cost: "Cost | None", count: bool, sampled: bool) -> list[str]:
    """Return the cells of a row that are counted, as many as there are columns for."""
    if cost is None:
        return [""] * (2 + count + 2 * sampled)
    cells = [f"{cost.parameters:,}", f"{cost.macs:,}" if count else f"{cost.macs / 1e6:,.1f}"]
    cells += [f"{cost.macs_nus:,}"] if count else []
    if sampled:
        network = cost.views * cost.network.macs
        parts = (cost.sampler_macs, cost.views * cost.interpolation)
        cells += [f"{100 * part / network:.1f} %" for part in parts]
    return cells


def as_values(row: Row) -> dict[str, Any]:
    """Return a row as JSON values."""
    values: dict[str, Any] = {"name": row.name, "sampling": row.sampling, "form": row.form}
    if row.cost is not None:
        values |= {
            "parameters": row.cost.parameters,
            "macs": row.cost.macs,
            "macs_nus": row.cost.macs_nus,
            "network_macs": row.cost.views * row.cost.network.macs,
            "sampler_macs": row.cost.sampler_macs,
            "interpolation_macs": row.cost.views * row.cost.interpolation,
            "views": row.cost.views,
        }
    if row.latency is not None:
        values |= dataclasses.asdict(row.latency)
    return values
