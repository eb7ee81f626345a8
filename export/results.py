"""Exports networks in formats and precisions and writes what each file is worth as one page.

`python -m roadseg.export.results runs/deeplab espnet/camvid --records records/camvid` writes
docs/results/exports.md, and exports.json beside it: what is there is not measured again.
"""

import dataclasses
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from roadseg.command_line.arguments import parse
from roadseg.command_line.quiet import quiet_tensorflow
from roadseg.errors import RoadsegError
from roadseg.export.precision.options import PRECISIONS, Precision
from roadseg.files import read_json, write_text

EXAMPLE = "python -m roadseg.export.results runs/deeplab espnet/camvid --records records/camvid"
# What is shown is what was lost: no file is refused.
ANY_LOSS = 100.0
HEAD = """# Exports

Size of each exported file, and what it loses against the Keras model it was made of. Files run in
their own runtime, from image to labels, as users run them; points are per cent of mIoU and of
accuracy within 3 pixels of boundaries. int8 files were calibrated on images of split `train`.
[Export](../guides/export.md) explains the columns.
Command: `python -m roadseg.export.results {networks} --records RECORDS`, split `{split}`.

"""
COLUMNS = (
    *("network", "format", "precision", "MB", "labels equal (%)", "mIoU, Keras (%)", "mIoU lost"),
    *("boundary lost", "layers in float", "images"),
)


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Measure exports of networks on records, in every format and precision."""

    networks: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Run folders and presets."""
    records: Path
    """Labelled records, whose split 'train' calibrates."""
    split: str = "test"
    """Of the records, to judge by."""
    formats: tuple[str, ...] = ("litert", "onnx", "openvino")
    """Of these."""
    precisions: tuple[str, ...] = PRECISIONS
    """Of these."""
    verdict_images: int | None = None
    """Images to judge by; all of the split if left out."""
    to: Path = Path("docs/results/exports.md")
    """Page to write."""


def main(argv: Sequence[str]) -> int:
    """Measure what the page's store lacks, and write the page after each file; return 0 or 2."""
    arguments = parse(Arguments, argv, command="", example=EXAMPLE)
    quiet_tensorflow()
    store = arguments.to.with_suffix(".json")
    try:
        rows = read_json(store, "remove it") if store.is_file() else []
        known = {(row["network"], row["format"], row["precision"]) for row in rows}
        for network in arguments.networks:
            for format_name in arguments.formats:
                for precision in arguments.precisions:
                    key = (_name(network), format_name, precision)
                    if key in known:
                        continue
                    rows.append(measure(network, format_name, precision, arguments))
                    write_text(store, json.dumps(rows, indent=1) + "\n")
                    write_text(arguments.to, page(rows, arguments.split))
    except RoadsegError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    write_text(arguments.to, page(rows, arguments.split))
    return 0


def measure(network: str, format_name: str, precision: str, arguments: Arguments) -> dict[str, Any]:
    """Return a row: what one file is worth, or why there is none."""
    from roadseg.export.command import export_preset, export_run
    from roadseg.weights.presets import PRESETS

    row = {"network": _name(network), "format": format_name, "precision": precision}
    options = Precision(
        precision,
        calibration=arguments.records if precision == "int8" else None,
        records=arguments.records,
        split=arguments.split,
        verdict_images=arguments.verdict_images,
        allow_loss=ANY_LOSS,
    )
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "export")
        try:
            if network in PRESETS:
                export_preset(network, format_name, target, precision=options)
            else:
                export_run(Path(network), format_name, to=target, precision=options)
        except RoadsegError as error:
            return {**row, "failed": str(error).replace(f"{target}: ", "")}
        card = json.loads((target / "model_card.json").read_text(encoding="utf-8"))
        files = [path for path in target.iterdir() if not path.name.startswith("model_card")]
        size = sum(path.stat().st_size for path in files)
    return {**row, "bytes": size, "verdict": card["verdict"], "int8": card.get("int8")}


def page(rows: Sequence[dict[str, Any]], split: str) -> str:
    """Return the page of these rows."""
    networks = " ".join(dict.fromkeys(row["network"] for row in rows))
    rule = ["---"] * 3 + ["---:"] * (len(COLUMNS) - 3)
    head = "".join(f"| {' | '.join(cells)} |\n" for cells in (COLUMNS, rule))
    return HEAD.format(networks=networks, split=split) + head + "".join(map(_line, rows))


def _line(row: dict[str, Any]) -> str:
    start = f"| `{row['network']}` | {row['format']} | {row['precision']} |"
    if "failed" in row:
        return f"{start} | | | | | | {row['failed']} |\n"
    found, facts = row["verdict"], row["int8"]
    floats = "" if facts is None else f"{len(facts['layers_in_float'])} of {facts['layers']}"
    lost = found["lost"]
    return (
        f"{start} {row['bytes'] / 1e6:.2f} | {found['labels_equal']:.2f} | "
        f"{found['keras']['miou']:.2f} | {lost['miou']:.2f} | {lost['boundary_accuracy']:.2f} | "
        f"{floats} | {found['images']} |\n"
    )


def _name(network: str) -> str:
    """Return what a network is called in the page: a preset's name, or that of the run's folder."""
    path = Path(network)
    return path.resolve().name if path.is_dir() else network


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
