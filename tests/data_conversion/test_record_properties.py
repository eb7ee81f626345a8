"""Records read back to the pixels that were written; damaged shards are refused, all of them."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadseg import label_tables
from roadseg.data_conversion.convert import main
from roadseg.data_conversion.raw.image_files import encode_label
from roadseg.data_conversion.read.records import open_records
from roadseg.errors import RoadsegError
from tests.data_conversion.raw import files
from tests.examples import example_values, serialized

# Each example is a data set of its own, which TensorFlow takes some 50 ms to open.
KEEP = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CONVERTED = settings(KEEP, max_examples=2)
SIDES = st.integers(1, 17)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1)
Example = tuple[str, np.ndarray, np.ndarray]


@st.composite
def examples(draw: Any) -> list[Example]:
    """Return (name, RGB picture, label) of up to four records, each of a size of its own."""
    found = []
    for name in draw(st.lists(NAMES, min_size=1, max_size=4, unique=True)):
        height, width, seed = draw(SIDES), draw(SIDES), draw(st.integers(0, 1 << 16))
        label = np.random.default_rng(seed).choice([*range(19), 255], (height, width))
        found.append((name, files.pixels(seed, height, width, 3), label.astype(np.uint8)))
    return found


def write(folder: Path, shards: list[list[Example]]) -> None:
    import tensorflow as tf

    (folder / "label_table.json").write_text(label_tables.get("cityscapes").to_json())
    for number, members in enumerate(shards):
        path = folder / f"val-{number:05d}-of-{len(shards):05d}.tfrecord"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for name, image, label in members:
                writer.write(serialized(example_values(image, label, name)))


def check(found: dict[str, Any], written: Example) -> None:
    name, image, label = written
    assert found["filename"] == name
    np.testing.assert_array_equal(found["image"], image)
    np.testing.assert_array_equal(found["label"], label)


@KEEP
@given(st.lists(examples(), min_size=1, max_size=3))
def test_records_read_back_to_the_pixels_that_were_written(shards: list[list[Example]]):
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), shards)
        opened = open_records(Path(folder), "val")
        written = [example for members in shards for example in members]
        assert opened.num_examples == len(written)
        for found, example in zip(opened.examples(), written, strict=True):
            check(found, example)


@KEEP
@given(data=st.data(), members=examples())
def test_a_damaged_shard_gives_its_records_or_one_line(data: Any, members: list[Example]):
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), [members])
        shard = Path(folder) / "val-00000-of-00001.tfrecord"
        shard.write_bytes(data.draw(files.damage(shard.read_bytes())))
        try:
            opened = open_records(Path(folder), "val")
            found = list(opened.examples())
        except RoadsegError as error:
            assert str(shard.parent) in str(error) and "\n" not in str(error)
            return
    # Cut between two records a shard is whole; what is there is what was written.
    for one, example in zip(found, members, strict=False):
        check(one, example)


@st.composite
def pairs(draw: Any) -> list[tuple[bytes, str, np.ndarray, bytes, np.ndarray]]:
    """Return picture file, its ending, what it shows, label file and its train ids, many times."""
    found = []
    for _ in range(12):
        content, ending, image = draw(files.lossless_pictures())
        depth = draw(st.sampled_from([2, 4, 8, 16]))
        seed = draw(st.integers(0, 1 << 16))
        label = np.random.default_rng(seed).integers(0, 4, image.shape[:2], np.uint8)
        own = encode_label(label) if depth == 8 else files.grey_png(label, depth)
        found.append((content, ending, image, own, label))
    return found


@CONVERTED
@given(pairs())
def test_a_conversion_keeps_the_pixels_of_every_kind_of_file(drawn: list[Any]):
    classes = "".join(f"  - {{name: c{i}, colour: [{i}, 0, 0]}}\n" for i in range(4))
    with tempfile.TemporaryDirectory() as place:
        source, to = Path(place) / "source", Path(place) / "to"
        for kind in ("images", "labels"):
            (source / kind / "val").mkdir(parents=True)
        (source / "classes.yaml").write_text(f"name: drawn\nclasses:\n{classes}")
        for number, (content, ending, _, label, _) in enumerate(drawn):
            (source / "images" / "val" / f"{number:03d}{ending}").write_bytes(content)
            (source / "labels" / "val" / f"{number:03d}.png").write_bytes(label)
        assert main(["folder", "--source", str(source), "--to", str(to)]) == 0
        found = list(open_records(to, "val").examples())
    for one, (_, _, image, _, label) in zip(found, drawn, strict=True):
        check(one, (one["filename"], image, label))
