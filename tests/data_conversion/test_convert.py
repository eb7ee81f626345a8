import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from roadseg import label_tables
from roadseg.data_conversion.convert import main
from roadseg.data_conversion.read.records import KEYS, open_records
from roadseg.data_conversion.sets.cityscapes import cityscapes_source
from roadseg.data_conversion.sets.table import DATA_SETS
from roadseg.errors import RoadsegError
from tests.data_conversion.support import (
    first_image,
    first_label,
    id_map,
    picture,
    small_cityscapes,
    write_png,
)


def convert(source: Path, to: Path, *options: str, kind: str = "cityscapes") -> Path:
    assert main([kind, "--source", str(source), "--to", str(to), *options]) == 0
    return to


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_cityscapes(tmp_path_factory.mktemp("cityscapes"))


@pytest.fixture(scope="module")
def records(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert(city, tmp_path_factory.mktemp("records"), "--shards", "2")


def raw_examples(folder: Path, split: str) -> list[dict]:
    import tensorflow as tf

    files = sorted(str(path) for path in folder.rglob(f"{split}-*"))
    data = tf.data.TFRecordDataset(files).as_numpy_iterator()
    return [dict(tf.train.Example.FromString(item).features.feature) for item in data]


def test_records_have_exactly_the_published_keys(records: Path):
    for example in raw_examples(records, "train"):
        assert set(example) == set(KEYS)


def test_image_bytes_are_those_of_the_file(records: Path, city: Path):
    example = raw_examples(records, "train")[0]
    assert example["image/encoded"].bytes_list.value[0] == first_image(city).read_bytes()
    assert example["image/format"].bytes_list.value[0] == b"png"
    assert example["image/channels"].int64_list.value[0] == 3


def test_examples_keep_the_order_of_sorted_files_and_their_published_names(records: Path):
    names = [e["image/filename"].bytes_list.value[0] for e in raw_examples(records, "train")]
    assert names == [b"aachen_000000_000019", b"aachen_000002_000019", b"bonn_000001_000019"]


def test_shards_have_the_published_names_and_sizes(records: Path):
    folder = records / "cityscapes" / "1.0.0"
    names = sorted(path.name for path in folder.glob("*.tfrecord"))
    assert names == [
        "train-00000-of-00002.tfrecord",
        "train-00001-of-00002.tfrecord",
        "val-00000-of-00001.tfrecord",
    ]
    opened = open_records(records, "train")
    assert [path.name for path in opened.files] == names[:2]
    assert opened.num_examples == 3


def test_label_ids_become_train_ids(records: Path):
    mapping = label_tables.get("cityscapes").id_to_train
    for example in open_records(records, "train").examples():
        index = int(example["filename"].split("_")[1])
        wanted = np.vectorize(mapping.__getitem__)(id_map(index))
        np.testing.assert_array_equal(example["label"], wanted)
        np.testing.assert_array_equal(example["image"], picture(index))


def test_train_ids_are_copied_byte_for_byte(city: Path, tmp_path: Path):
    convert(city, tmp_path, "--labels", "train")
    example = raw_examples(tmp_path, "train")[0]
    label = first_label(city).with_name(first_label(city).name.replace("labelIds", "labelTrainIds"))
    key = "image/segmentation/class/encoded"
    assert example[key].bytes_list.value[0] == label.read_bytes()


def test_both_kinds_of_labels_give_the_same_pixels(records: Path, city: Path, tmp_path: Path):
    copied = open_records(convert(city, tmp_path, "--labels", "train"), "train").examples()
    for mapped, copy in zip(open_records(records, "train").examples(), copied, strict=True):
        np.testing.assert_array_equal(mapped["label"], copy["label"])


def test_workers_and_shards_change_no_example(records: Path, city: Path, tmp_path: Path):
    convert(city, tmp_path, "--workers", "3", "--shards", "1")
    one, other = raw_examples(records, "train"), raw_examples(tmp_path, "train")
    assert [str(e) for e in one] == [str(e) for e in other]


def test_tfds_reads_the_folder_as_its_own(records: Path):
    tfds = pytest.importorskip("tensorflow_datasets")
    builder = tfds.builder_from_directory(records / "cityscapes" / "1.0.0")
    data = builder.as_dataset(split="train", shuffle_files=False)
    names = [bytes(item["image"]["filename"].numpy()) for item in data]
    assert len(names) == 3 and names[0] == b"aachen_000000_000019"


def test_coarse_labels_become_a_split_of_their_own(city: Path, tmp_path: Path):
    root = small_cityscapes(tmp_path / "city", 1, 1)
    for kind, end in (("leftImg8bit", ""), ("gtFine", "gtCoarse")):
        for path in sorted((root / kind / "train").glob("*/*")):
            target = root / (end or kind) / "train_extra" / path.parent.name
            target.mkdir(parents=True, exist_ok=True)
            (target / path.name.replace("gtFine", "gtCoarse")).write_bytes(path.read_bytes())
    convert(root, tmp_path / "to", "--coarse")
    assert open_records(tmp_path / "to", "train_extra").num_examples == 1
    assert open_records(tmp_path / "to", "train").num_examples == 1


def test_archives_may_lie_in_folders_of_their_own_names(city: Path, tmp_path: Path):
    root = tmp_path / "archives"
    for kind in ("leftImg8bit", "gtFine"):
        shutil.copytree(city / kind, root / f"{kind}_trainvaltest" / kind)
    found, plain = cityscapes_source(root).splits, cityscapes_source(city).splits
    assert {s: [p.name for p in pairs] for s, pairs in found.items()} == {
        s: [p.name for p in pairs] for s, pairs in plain.items()
    }


def test_coarse_archives_may_lie_in_folders_of_their_own_names(tmp_path: Path):
    name = "leftImg8bit_trainextra/leftImg8bit/train_extra/bonn/bonn_000000_000000_leftImg8bit.png"
    image = write_png(tmp_path / name, picture(0))
    label = "gtCoarse/gtCoarse/train_extra/bonn/bonn_000000_000000_gtCoarse_labelIds.png"
    write_png(tmp_path / label, id_map(0))
    (pair,) = cityscapes_source(tmp_path, coarse=True).splits["train_extra"]
    assert (pair.image, pair.label) == (image, tmp_path / label)


def test_other_cities_are_held_back_by_the_other_folds(tmp_path: Path):
    """Fold k holds back three cities from place 21 k / 3 of val's cities and train's, sorted."""
    cities = {"val": ("ulm", "bonn", "kiel"), "train": tuple("abcdefghijklmnopqr")}
    for split, names in cities.items():
        for city in names:
            folder = tmp_path / "leftImg8bit" / split / city
            write_png(folder / f"{city}_000000_000000_leftImg8bit.png", picture(0))
            folder = tmp_path / "gtFine" / split / city
            write_png(folder / f"{city}_000000_000000_gtFine_labelIds.png", id_map(0))
    splits = tuple(f"{part}_cv{fold}" for fold in range(3) for part in ("train", "val"))
    found = cityscapes_source(tmp_path, splits=splits).splits
    held_back = [{p.image.parent.name for p in found[f"val_cv{fold}"]} for fold in range(3)]
    assert held_back == [{"ulm", "bonn", "kiel"}, set("efg"), set("lmn")]
    assert [len(found[f"train_cv{fold}"]) for fold in range(3)] == [18, 18, 18]
    assert not {p.name for p in found["train_cv1"]} & {p.name for p in found["val_cv1"]}


def test_complete_records_are_not_overwritten_unasked(city: Path, tmp_path: Path):
    convert(city, tmp_path)
    written = sorted(tmp_path.rglob("train-*"))[0].stat().st_mtime_ns
    with pytest.raises(RoadsegError, match="complete records are here already; add --overwrite"):
        convert(city, tmp_path)
    assert sorted(tmp_path.rglob("train-*"))[0].stat().st_mtime_ns == written
    convert(city, tmp_path, "--overwrite", "--shards", "1")
    assert len(open_records(tmp_path, "train").files) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cityscapes"]


@pytest.mark.parametrize("name", [None, *DATA_SETS])
def test_help_begins_with_an_example(name: str | None, capsys: pytest.CaptureFixture[str]):
    try:
        main(["--help"] if name is None else [name, "--help"])
    except SystemExit as stop:
        assert not stop.code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"example: roadseg convert {name or 'cityscapes'} ")
    assert len(lines) < 50


def test_a_table_can_be_put_beside_the_records_of_others(records: Path, tmp_path: Path):
    for path in (records / "cityscapes" / "1.0.0").glob("*.tfrecord"):
        os.link(path, tmp_path / path.name)
    with pytest.raises(RoadsegError, match="no label_table.json.*convert table --name NAME"):
        open_records(tmp_path, "train")
    assert main(["table", "--name", "cityscapes", "--to", str(tmp_path)]) == 0
    opened = open_records(tmp_path, "train")
    assert opened.label_table == label_tables.get("cityscapes")
    assert opened.num_examples == 3


def test_examples_that_are_written_leave_memory(city: Path):
    from roadseg.data_conversion.raw.label_coding import LabelCoding
    from roadseg.data_conversion.sets.cityscapes import cityscapes_source
    from roadseg.data_conversion.write.examples import ShardExamples

    source = cityscapes_source(city)
    shard = ShardExamples(source.splits["train"], {"": LabelCoding(source.table)}, workers=2)
    examples = [example for _, example in shard()]
    assert examples == [{}, {}, {}]
