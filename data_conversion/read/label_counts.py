"""What labels hold, shard by shard: counted once, kept beside the records, checked each time.

Records may be anybody's. Nothing but the labels of the table (train ids, the ignore value, the rest
if there is one) may reach a loss or a score, in any record, so the first reader of a shard looks at
all of its labels; `label_counts.json` keeps what it found for as long as the shard's own checksums
stay the same. Conversions write it.
"""

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.data_conversion.progress import progress
from roadseg.data_conversion.raw.pictures import LARGEST_MEGAPIXELS
from roadseg.data_conversion.raw.png_chunks import PNG_SIGNATURE, PngHeader, check_png
from roadseg.data_conversion.read.streams import untuned
from roadseg.data_conversion.read.tfrecord_files import count_records, fingerprint, first_damage
from roadseg.errors import RoadsegError
from roadseg.files import parse_json, printable, write_text
from roadseg.label_tables import LabelTable
from roadseg.regular_files import read_regular

COUNTS_FILE = "label_counts.json"
PREFIXES = ("", "second/")
_BATCH = 32
_MANY = 200  # records from which on a bar is shown

Counts = Mapping[int, int]


def check_labels(folder: Path, files: Sequence[Path], table: LabelTable) -> None:
    """Raise RoadsegError for a label of `files` that holds what is no class of `table`.

    files: shards in `folder`. Names the shard, the record and the value; so it does for labels
    that are no 8-bit grey PNG, for sizes that differ, and for names that are not UTF-8.
    """
    kept = _read(folder / COUNTS_FILE)
    marks = {file: fingerprint(file) for file in files}
    counts = {file: kept[file.name][1] for file in files if _holds(kept, file, marks[file])}
    unknown = [file for file in files if file not in counts]
    if unknown:
        counts |= _count(unknown)
        try:
            _write(folder, kept, counts, marks)
        except RoadsegError as error:
            # Records may lie where nothing can be written.
            print(f"{error}; the next reader will count the labels again")
    allowed = set(table.labels)
    for file in files:
        strange = sorted(set(counts[file]) - allowed)
        if strange:
            raise RoadsegError(_refusal(file, strange, table))


def keep_counts(folder: Path, counts: Mapping[Path, Counts]) -> None:
    """Write what the labels of shards in `folder` hold; RoadsegError where it cannot be written."""
    _write(folder, {}, counts, {file: fingerprint(file) for file in counts})


def _holds(kept: Mapping[str, tuple[str, Counts]], file: Path, mark: str) -> bool:
    return file.name in kept and kept[file.name][0] == mark


def _read(path: Path) -> dict[str, tuple[str, Counts]]:
    """Return (mark, counts) by the name of a shard; nothing of a file that is absent or damaged."""
    try:
        found: dict[str, tuple[str, Counts]] = {}
        for name, entry in parse_json(read_regular(path)).items():
            counts = {int(value): int(number) for value, number in entry["counts"].items()}
            found[str(name)] = str(entry["of"]), counts
        return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write(
    folder: Path,
    kept: Mapping[str, tuple[str, Counts]],
    counts: Mapping[Path, Counts],
    marks: Mapping[Path, str],
) -> None:
    entries: dict[str, Any] = {
        name: {"of": mark, "counts": {**found}} for name, (mark, found) in kept.items()
    }
    for file, found in counts.items():
        entries[file.name] = {"of": marks[file], "counts": dict(sorted(found.items()))}
    write_text(folder / COUNTS_FILE, json.dumps(entries, indent=1) + "\n")


def _count(files: Sequence[Path]) -> dict[Path, Counts]:
    """Return the pixels of each value in the labels of every file, several at a time."""
    found: dict[Path, Counts] = {}
    total = sum(count_records(file) for file in files)
    with _progress(total) as advance, ThreadPoolExecutor(4) as pool:
        for file in files:
            counts: Counter[int] = Counter()
            records = enumerate(_serialized(file))
            while batch := list(islice(records, _BATCH)):
                for part in pool.map(lambda entry, file=file: _labels(file, *entry)[1], batch):
                    counts.update(part)
                    advance()
            found[file] = counts
    return found


def _progress(total: int) -> Any:
    import contextlib

    if total < _MANY:
        return contextlib.nullcontext(lambda: None)
    return progress("checking labels, once", total)


def _serialized(file: Path) -> Iterator[bytes]:
    """Yield the records of a file; RoadsegError for one that is damaged."""
    import tensorflow as tf

    try:
        yield from untuned(tf.data.TFRecordDataset(str(file))).as_numpy_iterator()
    except tf.errors.OpError as error:
        where = first_damage(file) or f"{file}: not readable ({error.message.splitlines()[0]})"
        raise RoadsegError(f"{where}; copy the file, or convert the data set again") from None


def _labels(file: Path, number: int, serialized: bytes) -> tuple[list[np.ndarray], Counter[int]]:
    """Return the labels of a record, one a view, and their pixels by value; all is checked."""
    import tensorflow as tf
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    where = f"{file}, record {number}"
    again = "convert the data set again"
    try:
        features = tf.train.Example.FromString(serialized).features.feature
    except DecodeError:
        raise RoadsegError(f"{where}: not an example; {again}") from None
    labels, counts = [], Counter[int]()
    for prefix in PREFIXES:
        keys = [f"{prefix}image/{key}" for key in _KEYS]
        if keys[0] not in features:
            continue
        for key in keys:
            if key not in features or not _values(features[key]):
                raise RoadsegError(f"{where}: '{key}' is empty or missing; {again}")
        name, encoded, label, height, width = (_values(features[key])[0] for key in keys)
        try:
            where = f"{file}, record {number} ({printable(_name(name))})"
        except (UnicodeDecodeError, AttributeError):
            raise RoadsegError(f"{where}: its name {name!r} is not UTF-8; {again}") from None
        header = _label_header(label, where)
        image_size, label_size = _image_size(encoded, where), (header.height, header.width)
        if len({(height, width), image_size, label_size}) > 1:
            raise RoadsegError(
                f"{where}: says {height}x{width}, its image is {'x'.join(map(str, image_size))} "
                f"and its label {'x'.join(map(str, label_size))} (height x width); {again}"
            )
        values = _label(label, where)
        found = np.bincount(values.ravel(), minlength=256)
        counts.update({int(value): int(found[value]) for value in np.flatnonzero(found)})
        labels.append(values)
    return labels, counts


def _name(name: bytes) -> str:
    """Return the name in a record; UnicodeDecodeError where no file could be called so."""
    if b"\0" in name:
        raise UnicodeDecodeError("utf-8", name, name.index(b"\0"), len(name), "no sign of a name")
    return name.decode("utf-8")


_KEYS = ("filename", "encoded", "segmentation/class/encoded", "height", "width")


def _values(feature: Any) -> Any:
    kind = feature.WhichOneof("kind")
    return getattr(feature, kind).value if kind else ()


_WANTED = "records hold 8-bit grey PNG of train ids; convert the data set with roadseg"


def _label_header(encoded: bytes, where: str) -> PngHeader:
    """Return the header of a label in a record: 8-bit grey PNG is all that is read."""
    if not isinstance(encoded, bytes) or not encoded.startswith(PNG_SIGNATURE):
        raise RoadsegError(f"{where}: its label is no PNG; {_WANTED}")
    header = check_png(encoded, f"{where}, label")
    if header.form != "8-bit grey":
        raise RoadsegError(f"{where}: its label is {header.form} PNG; {_WANTED}")
    return header


def _label(encoded: bytes, where: str) -> np.ndarray:
    """Return a label of such a header, uint8 (height, width)."""
    import cv2

    values = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.ndim != 2 or values.dtype != np.uint8:
        raise RoadsegError(f"{where}: its label cannot be decoded; {_WANTED}")
    return values


def _image_size(encoded: bytes, where: str) -> tuple[int, int]:
    """Return (height, width) as the header of an encoded image says."""
    from PIL import Image

    try:
        # Pillow reads the header alone until pixels are asked for.
        with Image.open(io.BytesIO(encoded), formats=("PNG", "JPEG")) as picture:
            return picture.height, picture.width
    except Image.DecompressionBombError:
        raise RoadsegError(
            f"{where}: its image has more than {LARGEST_MEGAPIXELS:g} megapixels; cut it into "
            "tiles and convert the data set again"
        ) from None
    except Exception:  # Pillow has no one exception for damaged headers.
        raise RoadsegError(
            f"{where}: its image is neither PNG nor JPEG; convert the data set again"
        ) from None


def _refusal(file: Path, strange: Sequence[int], table: LabelTable) -> str:
    """Return the message on the first record of `file` that holds one of the values."""
    rest = "" if table.rest is None else f"{table.rest} is the rest, "
    way_out = (
        f"train ids of '{table.name}' are 0 to {table.num_classes - 1}, {rest}and {table.ignore} "
        "is ignored: convert the data set again (roadseg convert, with --labels ids for label "
        "ids), or put the right label_table.json beside the records"
    )
    for number, serialized in enumerate(_serialized(file)):
        labels, counts = _labels(file, number, serialized)
        values = [value for value in strange if value in counts]
        if values:
            label = next(label for label in labels if (label == values[0]).any())
            row, column = np.argwhere(label == values[0])[0]
            more = f" (and {', '.join(map(str, values[1:5]))})" if values[1:] else ""
            return (
                f"{file}, record {number}: label {values[0]}{more} at row {row}, column {column} "
                f"is no train id; {way_out}"
            )
    return f"{file}: label {strange[0]} is no train id; {way_out}"
