"""Networks alone, timed as their originals were: one normalised image to logits at their own scale.

Every form is run: the Keras graph, the SavedModel, and the other formats whose runtimes are
installed. Times of other machines do not stand beside them: `roadseg benchmark --against` compares.
"""

import dataclasses
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.eval.benchmark.latency import Latency, measure
from roadseg.eval.benchmark.runtimes import TITLES, exported, failures, loaders

if TYPE_CHECKING:
    from rich.table import Table

GRAPH = "Keras graph"
FORMS = (GRAPH, *TITLES.values())
CONDITIONS = {
    "images": "normalised noise, float32",
    "protocol": (
        "one image to logits at the network's own scale, sizes fixed in the graph; median of the "
        "calls after those to warm up"
    ),
}


@dataclasses.dataclass(frozen=True)
class Subject:
    """One network to time."""

    name: str
    options: dict[str, Any]
    num_classes: int

    @property
    def title(self) -> str:
        """Name with options, for people."""
        given = [f"{name}={value}" for name, value in self.options.items()]
        given += [f"{self.num_classes} classes"] if self.num_classes != 19 else []
        return f"{self.name} ({', '.join(given)})" if given else self.name


@dataclasses.dataclass(frozen=True)
class Timed:
    """What one network costs, and how long each of its forms takes."""

    title: str
    parameters: int
    macs: int
    times: dict[str, Latency]
    failed: dict[str, str]
    """Why a form could not be run, by its title."""


def subjects(names: Sequence[str], options: dict[str, Any], num_classes: int) -> list[Subject]:
    """Return the networks `names`, by title."""
    found = [Subject(name, options, num_classes) for name in names]
    return sorted(found, key=lambda subject: subject.title)


def time_network(
    subject: Subject,
    size: tuple[int, int],
    threads: int,
    warm_up: int,
    repeats: int,
) -> Timed:
    """Return the times of `subject` on one image of `size` in every form that runs here.

    Says on standard error what it is at and what it found: a large network takes minutes.
    """
    from roadseg.models.operation_counts import count_operations

    image = np.random.default_rng(0).normal(size=(1, *size, 3)).astype(np.float32)
    model, graph = graph_of(subject, size, image)
    counted = count_operations(model, size)
    _say(f"{subject.title}: {GRAPH}")
    times = {GRAPH: measure(graph, warm_up, repeats)}
    _say(f"{subject.title}: {GRAPH} took {times[GRAPH].median_ms:.1f} ms")
    del model, graph
    _say(f"{subject.title}: exporting")
    with exported(subject.name, subject.num_classes, size, subject.options) as folder:
        failed = failures(folder)
        for title, load in loaders(folder, image, threads):
            _say(f"{subject.title}: {title}")
            try:
                times[title] = measure(load(), warm_up, repeats)
                _say(f"{subject.title}: {title} took {times[title].median_ms:.1f} ms")
            except Exception as error:  # a runtime that refuses its own format is a result too
                failed[title] = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    return Timed(subject.title, counted.parameters, counted.macs, times, failed)


def graph_of(
    subject: Subject, size: tuple[int, int], image: np.ndarray
) -> tuple[Any, Callable[[], Any]]:
    """Return the network up to its logits, and a call of it as a compiled graph."""
    import tensorflow as tf

    from roadseg.layers.heads import own_scale
    from roadseg.models import registry

    model = own_scale(
        registry.create(
            subject.name,
            subject.num_classes,
            input_shape=(*size, 3),
            include_preprocessing=False,
            **subject.options,
        )
    )
    function = tf.function(lambda image: model(image, training=False), autograph=False)
    given = tf.constant(image)

    def call() -> Any:
        return [output.numpy() for output in tf.nest.flatten(function(given))]

    return model, call


def table(rows: Sequence[Timed]) -> "Table":
    """Return medians in milliseconds, a column for each form."""
    from roadseg.eval.tables import new_table

    forms = [form for form in FORMS if any(form in row.times for row in rows)]
    short = [form.removesuffix(" Runtime").removeprefix("Keras ") for form in forms]
    result = new_table("one image, ms", "network", "params (M)", "MACs (G)", *short)
    for row in rows:
        cells = [row.title, f"{row.parameters / 1e6:.3f}", f"{row.macs / 1e9:.3f}"]
        for form in forms:
            cells.append(f"{row.times[form].median_ms:.0f}" if form in row.times else "-")
        result.add_row(*cells)
    return result


def show(rows: Sequence[Timed], conditions: dict[str, Any], as_json: bool) -> None:
    """Print the table, what failed in it, and what it depends on; or all of it as JSON."""
    from roadseg.eval.tables import show_benchmark

    notes = [
        f"{row.title}: no {form}: {reason}" for row in rows for form, reason in row.failed.items()
    ]
    values = [dataclasses.asdict(row) for row in rows]
    show_benchmark(table(rows), values, conditions, as_json, notes)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
