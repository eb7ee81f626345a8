"""The merged set: four small members, each in its own layout, become one set of records."""

from pathlib import Path

import numpy as np
import pytest

from roadseg import label_tables
from roadseg.data_conversion.convert import main
from roadseg.data_conversion.read.records import open_records
from roadseg.data_conversion.sets import bdd100k, cityscapes, idd, mapillary
from roadseg.data_conversion.sets.uds import uds_source
from roadseg.errors import RoadsegError
from roadseg.label_tables.uds import uds_member
from tests.data_conversion.small_sets import (
    SIZE,
    all_ids,
    small_bdd,
    small_idd,
    small_vistas,
    write_palette,
)
from tests.data_conversion.support import id_map, small_cityscapes


def small_uds(root: Path) -> Path:
    """Write all four members under the names that SFSegNets gives their folders."""
    small_bdd(root / "bdd")
    small_vistas(root / "mapillary")
    small_idd(root / "IDD", "polygons")
    small_cityscapes(root / "cityscapes", train=2, val=1)
    return root


def convert(source: Path, to: Path, *options: str) -> Path:
    assert main(["uds", "--source", str(source), "--to", str(to), *options]) == 0
    return to / "uds"


def test_members_follow_each_other_in_the_published_order(tmp_path: Path):
    to = convert(small_uds(tmp_path / "data"), tmp_path / "to")
    records = open_records(to, "train")
    assert records.label_table == label_tables.get("uds")
    members = [example["filename"].split("_")[0] for example in records.examples()]
    assert members == [
        *["bdd100k"] * 2,
        *["mapillary"] * 2,
        *["idd"] * 2,
        *["cityscapes"] * 2,
    ]
    assert open_records(to, "val").num_examples == 4


def test_each_members_ids_become_the_merged_classes(tmp_path: Path):
    to = convert(small_uds(tmp_path / "data"), tmp_path / "to")
    labels = {
        example["filename"].split("_")[0]: example["label"]
        for example in open_records(to, "val").examples()
    }
    ids = {
        "bdd100k": all_ids(*range(19), 255),
        "mapillary": all_ids(*range(66)),
        "cityscapes": id_map(0, SIZE),
    }
    for member, values in ids.items():
        wanted = np.vectorize(uds_member(member).id_to_train.__getitem__)(values)
        np.testing.assert_array_equal(labels[member], wanted, err_msg=member)
    names = label_tables.get("uds").names
    drawn = labels["idd"][[0, 12, 23], [0, 12, 23]]
    assert [names[i] for i in drawn] == ["sky", "car", "road"]


def test_the_merged_set_has_the_sizes_of_its_members(tmp_path: Path):
    published = uds_source(small_uds(tmp_path / "data")).published
    sizes = (bdd100k.SIZES, mapillary.SIZES, idd.SIZES, cityscapes.SIZES)
    assert published == {split: sum(size[split] for size in sizes) for split in ("train", "val")}
    assert published["train"] == 7000 + 18000 + 6993 + 2975


def test_sizes_that_are_not_the_published_ones_are_remarked_by_member(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    convert(small_uds(tmp_path / "data"), tmp_path / "to", "--members", "bdd100k", "cityscapes")
    line = "note: train has 4 images (bdd100k 2, cityscapes 2), 9,975 are published\n"
    assert line in capsys.readouterr().out


def test_members_may_lie_elsewhere_and_may_be_left_out(tmp_path: Path):
    root = small_uds(tmp_path / "data")
    (root / "bdd").rename(tmp_path / "elsewhere")
    options = ("--members", "cityscapes", "bdd100k", "--bdd100k", str(tmp_path / "elsewhere"))
    records = open_records(convert(root, tmp_path / "to", *options), "train")
    members = [example["filename"].split("_")[0] for example in records.examples()]
    assert members == ["bdd100k"] * 2 + ["cityscapes"] * 2


def test_maps_that_sfsegnets_left_beside_the_labels_change_nothing(tmp_path: Path):
    root = small_uds(tmp_path / "data")
    for path in sorted(root.glob("mapillary/*/labels/*.png")):
        write_palette(path.with_name(f"{path.stem}_19labelTrainIds.png"), all_ids(77))
    assert open_records(convert(root, tmp_path / "to"), "train").num_examples == 8
    assert open_records(convert(root, tmp_path / "to", "--overwrite"), "train").num_examples == 8


def test_a_member_that_is_not_there_is_named_with_the_way_out(tmp_path: Path):
    root = small_uds(tmp_path / "data")
    (root / "bdd").rename(root / "berkeley")
    with pytest.raises(RoadsegError, match="no folder bdd or bdd100k; name it with --bdd100k, or"):
        convert(root, tmp_path / "to")


def test_an_unknown_id_of_a_member_names_file_value_and_member(tmp_path: Path):
    root = small_uds(tmp_path / "data")
    write_palette(root / "mapillary/validation/labels/v0.png", all_ids(0, 66))
    complaint = "v0.png: label id 66 at row 0, column 1 is not in the label table 'uds, from mapil"
    with pytest.raises(RoadsegError, match=complaint):
        convert(root, tmp_path / "to")
    assert not (tmp_path / "to" / "uds").exists()
