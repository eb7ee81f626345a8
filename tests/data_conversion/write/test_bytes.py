"""The same files make the same bytes, in every process."""

from pathlib import Path

import tensorflow as tf
from tensorflow_datasets.core.file_adapters import FileFormat

from roadseg.cli import main
from roadseg.data_conversion.write.builder import OrderedWriter
from tests.data_conversion.support import small_cityscapes

NAMES = ["image/encoded", "image/filename", "image/format", "image/height"]


def records_in(path: Path) -> list[bytes]:
    return list(tf.data.TFRecordDataset([str(path)]).as_numpy_iterator())


def serialized(names: list[str]) -> bytes:
    """Return an example with its features in this order: messages that stand together are one."""
    parts = []
    for name in names:
        value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[name.encode()]))
        parts.append(tf.train.Features(feature={name: value}).SerializeToString())
    return b"".join(b"\n" + bytes([len(part)]) + part for part in parts)


def test_records_hold_their_features_by_name(tmp_path: Path):
    forward, back = serialized(NAMES), serialized(NAMES[::-1])
    assert forward != back
    assert tf.train.Example.FromString(forward) == tf.train.Example.FromString(back)
    OrderedWriter(FileFormat.TFRECORD).write(tmp_path / "a", [(0, forward), (1, back)])
    first, second = records_in(tmp_path / "a")
    assert first == second
    places = [first.index(name.encode()) for name in NAMES]
    assert places == sorted(places)


def test_a_conversion_writes_them_so(tmp_path: Path):
    city, to = small_cityscapes(tmp_path / "city"), tmp_path / "to"
    assert main(["convert", "cityscapes", "--source", str(city), "--to", str(to)]) == 0
    found = [record for path in sorted(to.rglob("*.tfrecord")) for record in records_in(path)]
    assert found
    for record in found:
        example = tf.train.Example.FromString(record)
        assert record == example.SerializeToString(deterministic=True)
