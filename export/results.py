"""Exports networks in formats and precisions and writes what each file is worth as one page.

`python -m roadseg.export.results camvid fast_scnn=runs/fast_scnn --records records/camvid` writes
docs/results/exports.md. What was measured is kept beside the files, and not measured again.
"""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from roadseg.command_line.arguments import parse
from roadseg.command_line.options import parse_size
from roadseg.command_line.quiet import quiet_tensorflow
from roadseg.data_conversion.read.folders import find_shards
from roadseg.errors import RoadsegError
from roadseg.export.calibration import USUAL_COUNT, refuse_early
from roadseg.export.extras import need
from roadseg.export.precision.options import PRECISIONS, Precision
from roadseg.export.results_page import key_of, page
from roadseg.export.results_times import raced
from roadseg.files import read_json, write_text
from roadseg.tasks.table import task_of

EXAMPLE = (
    "python -m roadseg.export.results camvid fast_scnn=runs/fast_scnn --records records/camvid"
)
TIMES = "times.json"
FORMATS = ("onnx", "openvino", "litert")
Size = tuple[int, int]
Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Measure exports of networks on records, in formats and precisions, and write the page."""

    networks: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Presets and runs, these as NAME=PATH, in the order of the page."""
    records: Path
    """Labelled records, whose split 'train' calibrates."""
    split: str = "test"
    """Of the records, to judge by."""
    formats: tuple[str, ...] = FORMATS
    """Of these."""
    precisions: tuple[str, ...] = PRECISIONS
    """Of these."""
    size: str | None = None
    """HEIGHTxWIDTH of the files; that of the records' images if left out."""
    verdict_images: int | None = None
    """Images to judge by; all of the split if left out."""
    calibration_images: int = USUAL_COUNT
    """Images that int8 is calibrated on."""
    files: Path = Path("exports/results")
    """Folder of the files and what is known of each; what is there is not measured again."""
    again: bool = False
    """Measure what is asked for again."""
    times: bool = True
    """Race the files of each network once they are all there."""
    rounds: int = 30
    """Of the race."""
    threads: int | None = None
    """Of each in the race; one a core if left out."""
    to: Path = Path("docs/results/exports.md")
    """Page to write."""
    notes: Path | None = None
    """Markdown to end the page with: how the networks were trained, and when."""


@dataclasses.dataclass(frozen=True)
class Network:
    """A preset or a run, and the folder of its files."""

    name: str
    """On the page."""
    source: str
    """Name of the preset, or path of the run."""
    is_preset: bool
    folder: Path

    @property
    def given(self) -> str:
        """How a reader names it to the command, whose paths are others."""
        return self.name if self.is_preset else f"{self.name}=RUN"


def main(argv: Sequence[str]) -> int:
    """Measure what is missing, and write the page after each file; return 0, or 2 for an error."""
    arguments = parse(Arguments, argv, command="", example=EXAMPLE)
    try:
        networks = [network_of(name, arguments.files) for name in arguments.networks]
        size = _check(arguments)
        quiet_tensorflow()
        for network in networks:
            for format_name in arguments.formats:
                for precision in arguments.precisions:
                    _measure_once(network, format_name, precision, size, arguments)
                    _write(networks, arguments)
            if arguments.times:
                _race_once(network, size, arguments)
        _write(networks, arguments)
    except RoadsegError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def network_of(text: str, files: Path) -> Network:
    """Return the network that an argument names; RoadsegError where there is none."""
    from roadseg.runs.run_folder import RunFolder
    from roadseg.weights.presets import find_preset

    name, is_run, path = text.partition("=")
    if not is_run:
        find_preset(name)
        return Network(name, name, True, files / name.replace("/", "_"))
    run = RunFolder(Path(path))
    if not run.exists:
        raise RoadsegError(f"{text}: no run at {path}; give NAME=PATH of a run, or a preset")
    if task_of(run.recipe).labels_pairs:
        raise RoadsegError(f"{text}: of two cameras, which have scores each; use `roadseg export`")
    return Network(name, path, False, files / name.replace("/", "_"))


def _check(arguments: Arguments) -> Size:
    """Return the size of the files; RoadsegError for what can be seen to be wrong at once."""
    for option, given, known in (
        ("--formats", arguments.formats, FORMATS),
        ("--precisions", arguments.precisions, PRECISIONS),
    ):
        for name in given:
            if name not in known:
                raise RoadsegError(f"{option} {name}: there is {', '.join(known)}")
    for name in arguments.formats:
        need(name)
        if "int8" in arguments.precisions:
            need(f"{name}-int8")
    if arguments.verdict_images is not None and arguments.verdict_images < 1:
        raise RoadsegError(f"--verdict-images {arguments.verdict_images}: at least 1 is needed")
    if arguments.notes is not None and not arguments.notes.is_file():
        raise RoadsegError(f"--notes {arguments.notes}: no such file; check the path")
    refuse_early(arguments.records, arguments.calibration_images)
    for part in arguments.split.split("+"):
        find_shards(arguments.records, part)
    if arguments.size is not None:
        return parse_size(arguments.size)
    from roadseg.data_conversion.read.records import open_records

    size = open_records(arguments.records, arguments.split).image_size
    if size is None:
        raise RoadsegError(f"{arguments.records}: images of several sizes; give --size")
    return size


def _options(precision: str, arguments: Arguments) -> Precision:
    return Precision(
        precision,
        calibration=arguments.records if precision == "int8" else None,
        calibration_images=arguments.calibration_images,
        records=arguments.records,
        split=arguments.split,
        verdict_images=arguments.verdict_images,
    )


def _measure_once(
    network: Network, format_name: str, precision: str, size: Size, arguments: Arguments
) -> None:
    """Write one file and its row, unless they are there."""
    store = network.folder / f"{format_name}-{precision}.json"
    if store.is_file() and not arguments.again:
        _say_other_images(read_json(store, "remove it"), store, arguments)
        return
    print(f"{network.name}: {format_name}, {precision}", file=sys.stderr, flush=True)
    row = measure(network, format_name, size, _options(precision, arguments))
    write_text(store, json.dumps(row, indent=1) + "\n")


def _say_other_images(row: Row, store: Path, arguments: Arguments) -> None:
    """Say where a row that is kept was judged by fewer images than are asked for now."""
    found, asked = row.get("verdict", {}).get("images"), arguments.verdict_images
    if found is not None and asked is not None and found != asked:
        print(f"{store}: of {found} images; --again measures it anew", file=sys.stderr)


def measure(network: Network, format_name: str, size: Size, options: Precision) -> Row:
    """Return a row: what one file is worth, or why it is refused.

    Raises RoadsegError where the weights of a preset cannot be had.
    """
    from roadseg.export.command import export_preset, export_run
    from roadseg.weights.fetch import locate
    from roadseg.weights.presets import find_preset

    if network.is_preset:
        # Weights that cannot be had now are no reason to keep that the file is refused.
        locate(network.source, find_preset(network.source))
    row: Row = {"network": network.name, "given": network.given, "format": format_name}
    row |= {"precision": options.name, "size": list(size)}
    row["records"] = f"{Path(str(options.records)).resolve().name}, split {options.split}"
    target = network.folder / f"{format_name}-{options.name}"
    try:
        if network.is_preset:
            export_preset(network.source, format_name, target, size, options)
        else:
            run = Path(network.source)
            export_run(run, format_name, to=target, size=size, precision=options)
    except RoadsegError as error:
        return {**row, "refused": _reason(error, target)}
    card = read_json(target / "model_card.json", "remove its folder")
    files = [path for path in target.iterdir() if not path.name.startswith("model_card")]
    row["bytes"] = sum(path.stat().st_size for path in files)
    if "calibration" in card:
        row["calibration"] = card["calibration"]["images"]
    return {**row, "verdict": card["verdict"], "int8": card.get("int8")}


def _reason(error: RoadsegError, target: Path) -> str:
    """Return why there is no file, without its path and the way out of an error."""
    reason, _, _ = str(error).replace(f"{target}: ", "").partition("; ")
    return reason.removeprefix("not exported: ")


def _race_once(network: Network, size: Size, arguments: Arguments) -> None:
    """Time all files of a network that are there, unless they all were in one race."""
    store = network.folder / TIMES
    rows = [row for row in _rows(network) if "refused" not in row]
    names = [key_of(row) for row in rows]
    known = read_json(store, "remove it")["rows"] if store.is_file() else {}
    if not names or (not arguments.again and set(names) <= set(known)):
        return
    print(f"{network.name}: race of {len(names)} files and Keras", file=sys.stderr, flush=True)
    folders = {name: network.folder / name for name in names}
    found = raced(network.source, folders, size, arguments.rounds, arguments.threads)
    write_text(store, json.dumps(found, indent=1) + "\n")


def _rows(network: Network) -> list[Row]:
    """Return the rows that are stored of a network, in the page's order."""
    stores = [
        network.folder / f"{format_name}-{precision}.json"
        for format_name in FORMATS
        for precision in PRECISIONS
    ]
    return [read_json(store, "remove it") for store in stores if store.is_file()]


def _write(networks: Sequence[Network], arguments: Arguments) -> None:
    """Write the page of all that is stored of these networks."""
    rows = [row for network in networks for row in _rows(network)]
    times = {
        network.name: read_json(network.folder / TIMES, "remove it")
        for network in networks
        if (network.folder / TIMES).is_file()
    }
    limit = arguments.verdict_images
    options = "" if limit is None else f" --verdict-images {limit}"
    notes = ""
    if arguments.notes is not None:
        options += f" --notes {arguments.notes}"
        notes = arguments.notes.read_text(encoding="utf-8")
    write_text(arguments.to, page(rows, times, arguments.split, options, notes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
