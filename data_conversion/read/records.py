"""Reads records back: finds the shards of a split, checks their schema, decodes examples."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg import label_tables
from roadseg.data_conversion.read.folders import Shards, find_shards
from roadseg.data_conversion.read.label_counts import check_labels
from roadseg.data_conversion.read.streams import as_written, untuned
from roadseg.data_conversion.read.tfrecord_files import count_records, first_damage
from roadseg.errors import RoadsegError
from roadseg.label_tables import LabelTable

if TYPE_CHECKING:
    import tensorflow as tf

LABEL_TABLE_FILE = "label_table.json"
KEYS = {
    "image/encoded": "bytes_list",
    "image/filename": "bytes_list",
    "image/format": "bytes_list",
    "image/height": "int64_list",
    "image/width": "int64_list",
    "image/channels": "int64_list",
    "image/segmentation/class/encoded": "bytes_list",
    "image/segmentation/class/format": "bytes_list",
}


@dataclasses.dataclass(frozen=True)
class RecordSet:
    """The shards of one split, or of several that are read as one.

    files: sorted paths of each split; examples keep the order of the conversion.
    image_size: (height, width) if the first examples of all shards agree, None if not.
    """

    path: Path
    split: str
    files: tuple[Path, ...]
    num_examples: int
    label_table: LabelTable
    image_size: tuple[int, int] | None

    def examples(self) -> Iterator[dict[str, Any]]:
        """Yield decoded examples in order: image uint8 (H, W, 3), label uint8 (H, W), filename."""
        import tensorflow as tf

        data = tf.data.TFRecordDataset([str(file) for file in self.files]).map(
            as_written(parse_example), tf.data.AUTOTUNE
        )
        with readable(self):
            for example in untuned(data.prefetch(2)).as_numpy_iterator():
                yield {**example, "filename": example["filename"].decode()}


@contextlib.contextmanager
def readable(records: RecordSet) -> Iterator[None]:
    """Turn TensorFlow's error on a damaged shard, met inside, into a RoadsegError that names it."""
    import tensorflow as tf

    try:
        yield
    except (
        tf.errors.DataLossError,
        tf.errors.InvalidArgumentError,
        tf.errors.UnknownError,  # what a Python function inside a pipeline raised
    ) as error:
        places = (first_damage(file) for file in records.files)
        reason = error.message.splitlines()[0] if error.message else type(error).__name__
        where = next(filter(None, places), None)
        if where is None:
            where = f"{records.path}: unreadable example in split '{records.split}' ({reason})"
        raise RoadsegError(f"{where}; copy the file, or convert the data set again") from None


def open_records(
    path: Path | str, split: str, label_table: LabelTable | Path | str | None = None
) -> RecordSet:
    """Return the split of the one data set at or below `path`; 'train+val' reads both as one.

    path: what `roadseg convert --to` wrote, a tfds data set in the same schema, or a folder of
        shards called `<split>-*`.
    label_table: a table, the path of its JSON, or a name `roadseg.label_tables.get` knows, for
        records that have no label_table.json beside them.
    Raises RoadsegError for no, or more than one, data set; no such split (naming those there are);
    an empty split; a truncated shard; another schema (naming key and file); no label table; and a
    label, in any record, that holds anything but train ids and the ignore value.
    """
    names = split.split("+")
    if len(set(names)) < len(names) or len(names) > 1 and not all(names):
        raise RoadsegError(
            f"split '{split}': wanted different splits with + between them, such as train+val "
            "(the lists train+ and train++ are the splits train_plus and train_plus_plus)"
        )
    parts = [_open_one(Path(path), name, label_table) for name in names]
    sizes = {part.image_size for part in parts}
    return dataclasses.replace(
        parts[0],
        split=split,
        files=tuple(file for part in parts for file in part.files),
        num_examples=sum(part.num_examples for part in parts),
        image_size=sizes.pop() if len(sizes) == 1 else None,
    )


def _open_one(path: Path, split: str, label_table: LabelTable | Path | str | None) -> RecordSet:
    shards = find_shards(path, split)
    counts = [count_records(file) for file in shards.files]
    filled = [file for file, count in zip(shards.files, counts, strict=True) if count]
    if not filled:
        raise RoadsegError(f"{shards.folder}: split '{split}' is empty; convert the data set again")
    if shards.expected is not None and sum(counts) != shards.expected:
        raise RoadsegError(
            f"{shards.folder}: split '{split}' holds {sum(counts)} examples, {shards.expected} "
            "were written; files are missing or changed, convert the data set again"
        )
    sizes = {checked_size(file) for file in filled}
    table = _label_table(shards, label_table)
    check_labels(shards.folder, filled, table)
    return RecordSet(
        path=shards.folder,
        split=split,
        files=tuple(filled),
        num_examples=sum(counts),
        label_table=table,
        image_size=sizes.pop() if len(sizes) == 1 else None,
    )


def parse_example(serialized: "tf.Tensor", prefix: str = "") -> dict[str, "tf.Tensor"]:
    """Return one decoded example; a TensorFlow graph function.

    serialized: scalar string, an example in the DeepLab schema; PNG or JPEG, label PNG.
    prefix: what stands before the keys; "second/" reads the second view of two.
    Returns image uint8 (H, W, 3) RGB, label uint8 (H, W) and filename (string).
    Raises tf.errors.InvalidArgumentError when the sizes of image and label differ.
    """
    import tensorflow as tf

    encoded, label, filename = parse_encoded(serialized, prefix).values()
    # decode_jpeg looks at the bytes, not at the name: it decodes PNG as well. TensorFlow's usual
    # transform is a fast one, 0.8 levels darker on CamVid than what the originals' readers give.
    image = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
    label = tf.io.decode_png(label, channels=1)[..., 0]
    same = tf.debugging.assert_equal(
        tf.shape(image)[:2],
        tf.shape(label),
        message=tf.strings.join(["image and label differ in size: ", filename]),
    )
    # A graph runs an assertion only if something waits for it.
    with tf.control_dependencies([same] if same is not None else []):
        return {"image": tf.identity(image), "label": tf.identity(label), "filename": filename}


def parse_encoded(serialized: "tf.Tensor", prefix: str = "") -> dict[str, "tf.Tensor"]:
    """Return one example as `parse_example` does, but with the bytes of both files, undecoded."""
    import tensorflow as tf

    keys = ("image/encoded", "image/segmentation/class/encoded", "image/filename")
    schema = {prefix + key: tf.io.FixedLenFeature((), tf.string) for key in keys}
    found = tf.io.parse_single_example(serialized, schema)
    names = ("image", "label", "filename")
    return {name: found[prefix + key] for name, key in zip(names, keys, strict=True)}


def checked_size(file: Path, prefix: str = "") -> tuple[int, int]:
    """Return (height, width) of the first example; raise RoadsegError for another schema."""
    present = first_example(file)
    for key, kind in KEYS.items():
        key = prefix + key
        if key not in present or present[key].WhichOneof("kind") != kind:
            raise RoadsegError(
                f"{file}: records of another schema, '{key}' is missing (there are: "
                f"{', '.join(sorted(present)) or 'no keys'}); convert the data set with roadseg"
            )
    sides = [present[f"{prefix}image/{side}"].int64_list.value for side in ("height", "width")]
    if not all(sides):
        raise RoadsegError(
            f"{file}, record 0: 'image/height' or 'image/width' is empty; convert the data set "
            "again"
        )
    return sides[0][0], sides[1][0]


def first_example(file: Path) -> Any:
    """Return the features of a file's first example by key; RoadsegError for another file."""
    import tensorflow as tf
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        serialized = next(iter(tf.data.TFRecordDataset(str(file)).take(1)))
        example = tf.train.Example.FromString(serialized.numpy())
    except (tf.errors.OpError, DecodeError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise RoadsegError(
            f"{file}: not a TFRecord of examples ({reason}); copy the file, or convert the data "
            "set again"
        ) from None
    return example.features.feature


def _label_table(shards: Shards, given: LabelTable | Path | str | None) -> LabelTable:
    if isinstance(given, LabelTable):
        return given
    if isinstance(given, Path):
        return LabelTable.from_json(given)
    if given:
        return label_tables.get(given)
    path = shards.folder / LABEL_TABLE_FILE
    if not path.is_file():
        raise RoadsegError(
            f"{shards.folder}: no {LABEL_TABLE_FILE} beside the records; put one there: "
            f"`roadseg convert table --name NAME --to {shards.folder}` "
            f"(names: {', '.join(label_tables.list_tables())})"
        )
    return LabelTable.from_json(path)
