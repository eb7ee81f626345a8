"""Writes docs/results/graphs.md: how large the ONNX graph of each network is, and what runs it.

`python -m roadseg.export.graphs.table --to docs/results/graphs.md`: some minutes, and the extras
`[onnx]` and `[openvino]`. With `pip install ncnn pnnx` it has a column for ncnn too.
"""

import dataclasses
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.command_line.arguments import parse
from roadseg.command_line.options import parse_size
from roadseg.command_line.quiet import quiet_tensorflow
from roadseg.export.fixed_size import Size

EXAMPLE = "python -m roadseg.export.graphs.table --to docs/results/graphs.md"
HEAD = (
    "network",
    "convolutions",
    "nodes",
    "nodes a convolution",
    "nodes, any size",
    "transposes",
)
NCNN = (
    "ncnn reads what pnnx (`pip install ncnn pnnx`) makes of the file without its ends: the image",
    "as float planes, the best class taken outside. Where few labels are right, pnnx took a node",
    "for another one; such a file loads, but do not use it.",
)


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Write a table of all networks: the size of their graphs, and what runs them."""

    to: Path
    """Page to write."""
    networks: tuple[str, ...] = ()
    """Networks; all that segment single images if left out."""
    size: str = "256x512"
    """Height and width of the image; networks that need larger ones get those."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One network."""

    network: str
    counts: dict[str, int]
    parts: dict[str, int]
    """Its nodes by what they do, `trial.parts_of`."""
    nodes_of_any_size: int
    equal: dict[str, float | str]
    """Share of equal labels by runtime, or why it does not run the file."""


def main(argv: Sequence[str]) -> int:
    """Write the page; return the exit status."""
    arguments = parse(Arguments, argv, command="", example=EXAMPLE)
    quiet_tensorflow()
    from roadseg.models.registry import list_models

    names = arguments.networks or list_models("segmentation")
    rows = []
    for name in names:
        rows.append(measured(name, parse_size(arguments.size)))
        print(cells(rows[-1]), flush=True)
    arguments.to.write_text(page(rows, arguments.size), encoding="utf-8")
    return 0


def measured(network: str, size: Size, num_classes: int = 19) -> Row:
    """Return what became of an untrained network of 19 classes."""
    import keras
    import onnx

    from roadseg.export.converters import labels_function
    from roadseg.export.graphs.network import labels_graph
    from roadseg.export.graphs.trial import counted, make_lively, parts_of, runtimes
    from roadseg.export.trial_images import trial_images
    from roadseg.layers.light_aspp import least_image_side
    from roadseg.models.registry import create

    keras.utils.set_random_seed(0)
    model = create(network, num_classes)
    least = least_image_side(model)
    size = (max(size[0], -(-least // 32) * 32), max(size[1], -(-least // 32) * 32))
    (image, _) = trial_images(model, (), size)
    make_lively(model, image)
    expected = labels_function(model, size)(image)["labels"].numpy()
    graph = labels_graph(model, size)
    equal: dict[str, float | str] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(graph, str(path))
        for name, load in runtimes().items():
            try:
                found = load(path, size)(image)
            except Exception as error:  # what a runtime cannot read is what the table is about
                equal[name] = f"no ({type(error).__name__})"
                continue
            equal[name] = float(np.mean(found == expected))
    any_size = labels_graph(model)
    nodes_of_any_size = sum(counted(any_size).values())
    return Row(network, counted(graph), parts_of(graph), nodes_of_any_size, equal)


def cells(row: Row) -> str:
    """Return the line of one network."""
    from roadseg.export.graphs.trial import convolutions

    nodes, kernels = sum(row.counts.values()), convolutions(row.counts)
    numbers: list[Any] = [kernels, nodes, f"{nodes / kernels:.2f}", row.nodes_of_any_size]
    numbers.append(row.counts.get("Transpose", 0))
    shares = [
        share if isinstance(share, str) else f"{100 * share:.2f} %" for share in row.equal.values()
    ]
    return "| " + " | ".join([f"`{row.network}`", *map(str, numbers), *shares]) + " |"


def page(rows: Sequence[Row], size: str) -> str:
    """Return the page."""
    import cv2
    import onnxruntime
    import openvino

    versions = (
        f"ONNX Runtime {onnxruntime.__version__}, OpenVINO {openvino.__version__.split('-')[0]}, "
        f"OpenCV {cv2.__version__}"
    )
    head = [*HEAD, *(rows[0].equal if rows else ())]
    lines = [
        "# ONNX graphs",
        "",
        "`roadseg export --format onnx` makes the graph from the layers of a network. This is how",
        f"large they are for one image of {size}, from uint8 pixels to the label of each, and",
        "how many labels of a drawn street are those of Keras, with untrained weights, 19 classes",
        "and statistics drawn at random. Networks whose head needs larger images get those.",
        "",
        f"Written by `{EXAMPLE} --size {size}`, with {versions}.",
        "OpenCV DNN shrinks a widened map of the DF-Segs wrongly: do not read these by it.",
        *(NCNN if "ncnn" in head else ()),
        "",
        "| " + " | ".join(head) + " |",
        "| " + " | ".join(["---"] * len(head)) + " |",
        *(cells(row) for row in rows),
        "",
        *what_nodes_do(rows),
    ]
    return "\n".join(lines)


def what_nodes_do(rows: Sequence[Row]) -> list[str]:
    """Return the lines of the second table."""
    from roadseg.export.graphs.trial import PARTS

    head = ["network", *PARTS, "rest", "without the rest, a convolution"]
    lines = [
        "## What the nodes do",
        "",
        "A graph cannot have fewer nodes than its network has operations: convolutions and what",
        "activates, adds, multiplies, joins, pools and resizes maps. A normalisation is no node",
        "where a convolution takes it in, before it or behind it. The ends are four nodes: layout",
        "and type of the image, the best class, its type. The rest is what a leaner graph could",
        "lose: normalisations between two activations, of sums that go on to other sums, and of an",
        "image that is padded by zeros; the second of two products that average over bins of",
        "unlike sides; reversed and shuffled channels.",
        "",
        "| " + " | ".join(head) + " |",
        "| " + " | ".join(["---"] * len(head)) + " |",
    ]
    for row in rows:
        own = sum(row.parts.values()) - row.parts["rest"]
        ratio = f"{own / row.parts['convolutions']:.2f}"
        numbers = [str(row.parts[part]) for part in (*PARTS, "rest")]
        lines.append("| " + " | ".join([f"`{row.network}`", *numbers, ratio]) + " |")
    return [*lines, ""]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
