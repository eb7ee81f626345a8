"""`roadseg convert`: a data set's own files to TFRecords in the DeepLab schema."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.command_line.arguments import parse
from roadseg.data_conversion.raw.find import left_out_line
from roadseg.data_conversion.raw.source import Source
from roadseg.data_conversion.reading import Report
from roadseg.data_conversion.sets.table import DATA_SETS
from roadseg.errors import RoadsegError
from roadseg.files import refuse_unwritable

if TYPE_CHECKING:
    from roadseg.data_conversion.write.shard_job import Run


def usage() -> str:
    """Return the help of the command as a whole."""
    lines = ["example: roadseg convert cityscapes --source ~/cityscapes --to ~/records", ""]
    lines += ["usage: roadseg convert DATA_SET [options]   (DATA_SET --help for each)", ""]
    for name, (options, _) in DATA_SETS.items():
        lines.append(f"  {name:<17}{options.__doc__.splitlines()[0]}")
    lines.append(f"  {'table':<17}{table.__doc__.splitlines()[0]}" if table.__doc__ else "")
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """Run `roadseg convert` and return the exit status."""
    name, *rest = [*argv] or ["--help"]
    if name in ("-h", "--help"):
        print(usage())
        return 0
    if name == "table":
        return table(rest)
    if name not in DATA_SETS:
        raise RoadsegError(f"no data set '{name}'; there are: {', '.join([*DATA_SETS, 'table'])}")
    kind, example = DATA_SETS[name]
    options = parse(
        kind, rest, command=f"convert {name}", example=f"roadseg convert {name} {example}"
    )
    return convert(options)


def convert(options: Any) -> int:
    """Find the files, check and write them; return the exit status."""
    from roadseg.data_conversion.write.faults import FilesAtFault, without
    from roadseg.data_conversion.write.write import refuse_existing

    options.check()
    rules, run = options.rules(), options.beam_run()
    refuse_unwritable(options.to, is_folder=True)
    source = dataclasses.replace(options.plan(), rules=rules)
    refuse_existing(options.to, source.name, options.overwrite)
    counts = ", ".join(f"{split} {len(pairs)}" for split, pairs in source.splits.items())
    print(f"{source.name}: {counts} images, {source.table.num_classes} classes", flush=True)
    for remark in source.remarks():
        print(f"note: {remark}", flush=True)
    if source.left_out:
        line = left_out_line(dict(source.left_out), options.source)
        if options.strict:
            raise RoadsegError(f"{options.source}: {line}; mend this, or leave --strict out")
        print(line, flush=True)
    faults = ""
    try:
        written = _written(options, source, run)
    except FilesAtFault as error:
        if not options.keep_going:
            raise
        faults = str(error).rpartition("; ")[0] or str(error)
        rest = dataclasses.replace(source, splits=without(source, error))
        written = _written(options, rest, run)
    print(f"records in {written}")
    if faults:
        print(f"left out: {faults}")
    print(f"next: roadseg inspect {written}")
    return 1 if faults else 0


def _written(options: Any, source: Source, run: "Run | None") -> Path:
    """Write the records, say what was read, and return their folder; raises as `write_records`."""
    from roadseg.data_conversion.progress import progress
    from roadseg.data_conversion.write.write import write_records

    report = Report(source.table)
    with progress("checking and writing", source.num_examples) as on_example:
        written = write_records(
            source,
            options.builder(source),
            options.to,
            shards=options.shards,
            workers=options.workers,
            overwrite=options.overwrite,
            run=run,
            on_example=on_example,
            report=report,
        )
    for line in report.lines():
        print(line)
    return written


@dataclasses.dataclass
class TableOptions:
    """Put a label table beside records that others wrote."""

    name: str
    """A table of the data sets above, such as cityscapes; a wrong name lists them all."""
    to: Path
    """Folder of the records."""


def table(argv: Sequence[str]) -> int:
    """Put a label table beside records that others wrote."""
    from roadseg import label_tables
    from roadseg.data_conversion.read.records import LABEL_TABLE_FILE

    options = parse(
        TableOptions,
        argv,
        command="convert table",
        example="roadseg convert table --name cityscapes --to ~/cityscapes/tfrecord",
    )
    text = label_tables.get(options.name).to_json()
    try:
        (options.to / LABEL_TABLE_FILE).write_text(text, encoding="utf-8")
    except OSError as error:
        raise RoadsegError(
            f"{options.to}: cannot write there ({error.strerror}); give the folder of records"
        ) from None
    print(f"wrote {options.to / LABEL_TABLE_FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
