"""What share of a network's time parts of it take: the layers of one name, run alone."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.latency import Latency, measure_in_turns
from roadseg.eval.benchmark.networks import Subject, graph_of

if TYPE_CHECKING:
    import keras
    from rich.table import Table

CONDITIONS = {
    "part": (
        "all layers whose name holds the text, as a graph of their own on what the whole network "
        "gives them for this image; share: of the whole network's median"
    )
}


@dataclasses.dataclass(frozen=True)
class PartTime:
    """The time of one part of a network, or of all of it."""

    network: str
    part: str
    """Text in the names of the layers; empty: the whole network."""
    layers: int
    time: Latency
    share: float
    """Of the whole network's median time, 0..1; parts that overlap add up to more."""


@dataclasses.dataclass(frozen=True)
class Part:
    """Some layers of a network, with the tensors that they take from others and that they make."""

    layers: tuple[str, ...]
    inputs: list[Any]
    outputs: list[Any]


def time_parts(
    subject: Subject, texts: Sequence[str], size: tuple[int, int], warm_up: int, repeats: int
) -> list[PartTime]:
    """Return the time of `subject` on one image of `size`, and of each of its parts.

    texts: what the names of a part's layers hold, such as "fpn_out_align".
    Raises RoadsegError for a text that no layer's name holds.
    """
    image = np.random.default_rng(0).normal(size=(1, *size, 3)).astype(np.float32)
    model, call = graph_of(subject, size, image)
    parts = [(text, part_of(model, text)) for text in texts]
    graphs = [_graph(model, part, image) for _, part in parts]
    whole, *times = measure_in_turns([call, *graphs], warm_up, repeats)
    rows = [PartTime(subject.title, "", len(model.layers), whole, 1.0)]
    for (text, part), time in zip(parts, times, strict=True):
        share = time.median_ms / whole.median_ms
        rows.append(PartTime(subject.title, text, len(part.layers), time, share))
    return rows


def part_of(model: "keras.Model", text: str) -> Part:
    """Return the layers of `model` whose names hold `text`; RoadsegError if there are none.

    Outputs are the tensors that no layer of the part takes.
    """
    import keras

    inside = [layer for layer in model.layers if text in layer.name]
    if not text or not inside:
        last = ", ".join(layer.name for layer in model.layers[-6:])
        raise RoadsegError(
            f"--layers {text!r}: no layer of {model.name} has that in its name; its last are {last}"
        )
    made = {id(x): x for layer in inside for x in keras.tree.flatten(layer.output)}
    taken = {id(x): x for layer in inside for x in keras.tree.flatten(layer.input)}
    inputs = [x for key, x in taken.items() if key not in made]
    outputs = [x for key, x in made.items() if key not in taken]
    return Part(tuple(layer.name for layer in inside), inputs, outputs)


def _graph(model: "keras.Model", part: Part, image: np.ndarray) -> Callable[[], Any]:
    """Return a call of `part`, as a compiled graph, on what `model` gives it for `image`."""
    import keras
    import tensorflow as tf

    given = keras.Model(model.input, part.inputs)(image, training=False)
    alone = keras.Model(part.inputs, part.outputs)
    function = tf.function(lambda given: alone(given, training=False), autograph=False)

    def call() -> Any:
        return [output.numpy() for output in tf.nest.flatten(function(given))]

    return call


def table(rows: Sequence[PartTime]) -> "Table":
    """Return the times as a table for people."""
    from roadseg.eval.tables import new_table

    result = new_table("one image, Keras graph", "network", "part", "layers", "ms", "share")
    for row in rows:
        part = f"*{row.part}*" if row.part else "all"
        time = f"{row.time.median_ms:.1f}"
        result.add_row(row.network, part, str(row.layers), time, f"{row.share:.1%}")
    return result


def show(rows: Sequence[PartTime], conditions: dict[str, Any], as_json: bool) -> None:
    """Print the table and what it depends on, or all of it as JSON."""
    from roadseg.eval.tables import show_benchmark

    show_benchmark(table(rows), [dataclasses.asdict(row) for row in rows], conditions, as_json)
