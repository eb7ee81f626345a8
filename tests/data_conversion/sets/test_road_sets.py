"""BDD100K, IDD and KITTI, each as small folders in its own layout."""

from pathlib import Path

import numpy as np
import pytest

from roadseg import label_tables
from roadseg.data_conversion.convert import main
from roadseg.data_conversion.read.records import open_records
from roadseg.data_conversion.sets.idd import idd_source
from roadseg.data_conversion.sets.kitti import VALIDATION
from roadseg.errors import RoadsegError
from tests.data_conversion.small_sets import (
    ROAD_AND_SKY,
    SIZE,
    all_ids,
    small_bdd,
    small_idd,
    small_kitti,
    write_outlines,
)
from tests.data_conversion.support import id_map, write_png


def convert(name: str, source: Path, to: Path, *options: str) -> Path:
    assert main([name, "--source", str(source), "--to", str(to), *options]) == 0
    return to / name


def labels_of(records: Path, split: str) -> list[np.ndarray]:
    return [example["label"] for example in open_records(records, split).examples()]


def mapped(name: str, ids: np.ndarray) -> np.ndarray:
    return np.vectorize(label_tables.get(name).id_to_train.__getitem__)(ids)


def test_bdd100k_keeps_its_train_ids(tmp_path: Path):
    to = convert("bdd100k", small_bdd(tmp_path / "bdd"), tmp_path / "to")
    assert open_records(to, "train").label_table == label_tables.get("bdd100k")
    assert len(labels_of(to, "train")) == 2
    np.testing.assert_array_equal(labels_of(to, "val")[0], all_ids(*range(19), 255))


def test_bdd100k_is_found_in_its_folder_seg_and_in_the_layout_of_2020(tmp_path: Path):
    old = small_bdd(tmp_path / "bdd100k" / "seg")
    assert labels_of(convert("bdd100k", old.parent, tmp_path / "a"), "val")
    new = tmp_path / "new"
    for split in ("train", "val"):
        for path in sorted((old / "images" / split).glob("*.jpg")):
            (new / "images" / "10k" / split).mkdir(parents=True, exist_ok=True)
            path.rename(new / "images" / "10k" / split / path.name)
            label = old / "labels" / split / f"{path.stem}_train_id.png"
            write_png(new / "labels/sem_seg/masks" / split / f"{path.stem}.png", all_ids(3))
            assert label.is_file()
    np.testing.assert_array_equal(
        labels_of(convert("bdd100k", new, tmp_path / "b"), "train")[1], all_ids(3)
    )


def test_an_unknown_train_id_of_bdd100k_names_file_and_value(tmp_path: Path):
    root = small_bdd(tmp_path / "bdd")
    path = next((root / "labels" / "val").iterdir())
    write_png(path, all_ids(0, 1, 19))
    with pytest.raises(RoadsegError, match=f"{path.name}: label id 19 at row 0, column 2 is not"):
        convert("bdd100k", root, tmp_path / "to")


def test_images_and_labels_of_bdd100k_without_the_other_are_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    root = small_bdd(tmp_path / "bdd", train=3, val=2)
    labels, images = (sorted((root / kind / "train").iterdir()) for kind in ("labels", "images"))
    labels[0].unlink()
    images[1].unlink()
    convert("bdd100k", root, tmp_path / "to")
    out = capsys.readouterr().out
    assert f"left out: 2 files (picture without label: images/train/{images[0].name}; " in out
    assert f"label without picture: labels/train/{labels[1].name})" in out
    assert open_records(tmp_path / "to", "train").num_examples == 1


def test_a_folder_that_is_not_bdd100k_is_refused(tmp_path: Path):
    (tmp_path / "labels" / "train").mkdir(parents=True)
    with pytest.raises(RoadsegError, match=r"no \*_train_id.png in labels/train or labels/val"):
        convert("bdd100k", tmp_path, tmp_path / "to")


def test_a_split_that_is_not_whole_is_remarked(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    convert("bdd100k", small_bdd(tmp_path / "bdd"), tmp_path / "to")
    out = capsys.readouterr().out
    assert "note: train has 2 images, 7,000 are published\n" in out
    assert "note: val has 1 images, 1,000 are published\n" in out


def test_ids_of_idd_become_classes(tmp_path: Path):
    to = convert("idd", small_idd(tmp_path / "idd"), tmp_path / "to")
    wanted = mapped("idd", all_ids(*range(40)))
    np.testing.assert_array_equal(labels_of(to, "train")[0], wanted)
    names = [example["filename"] for example in open_records(to, "train").examples()]
    assert names == ["0_000045", "208_000045"]


def test_outlines_of_idd_are_drawn_where_no_ids_are_there(tmp_path: Path):
    to = convert("idd", small_idd(tmp_path / "idd", "polygons"), tmp_path / "to")
    wanted = np.zeros(SIZE, np.uint8)
    wanted[:12] = label_tables.get("idd").names.index("sky")
    wanted[10:15, 10:20] = label_tables.get("idd").names.index("car")
    np.testing.assert_array_equal(labels_of(to, "val")[0], wanted)


def test_ids_of_idd_are_taken_before_outlines_unless_asked(tmp_path: Path):
    root = small_idd(small_idd(tmp_path / "idd", "polygons"), "ids")
    assert idd_source(root).coding == "ids"
    assert idd_source(root, "polygons").coding == "polygons"


def test_maps_that_sfsegnets_leaves_beside_idds_labels_are_no_labels(tmp_path: Path):
    root = small_idd(tmp_path / "idd")
    stray = root / "gtFine" / "train" / "0" / "000045_gtFine_labelids_19labelTrainIds.png"
    write_png(stray, all_ids(200))
    assert len(labels_of(convert("idd", root, tmp_path / "to"), "train")) == 2


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda root: (root / "gtFine").rename(root / "labels"), "gtFine: no such folder"),
        (
            lambda root: [path.unlink() for path in root.glob("gtFine/*/*/*")],
            r"no \*_gtFine_labelids.png nor \*_gtFine_polygons.json in train",
        ),
        (
            lambda root: (root / "gtFine/train/208/000045_gtFine_labelids.png").unlink(),
            "208/000045_leftImg8bit.png: image without label",
        ),
        (
            lambda root: (root / "gtFine/val/119/000045_gtFine_labelids.png").unlink(),
            "119/000045_leftImg8bit.png: image without label",
        ),
        (
            lambda root: write_png(
                root / "gtFine/val/119/000045_gtFine_labelids.png", all_ids(0, 40)
            ),
            r"000045_gtFine_labelids.png: label id 40 at row 0, column 1 .*'idd' \(ids 0 to 39\)",
        ),
    ],
)
def test_what_is_wrong_with_idd_is_named(tmp_path: Path, spoil, complaint: str):
    root = small_idd(tmp_path / "idd")
    spoil(root)
    with pytest.raises(RoadsegError, match=complaint):
        convert("idd", root, tmp_path / "to")


@pytest.mark.parametrize(
    ("objects", "changes", "complaint"),
    [
        ([{"label": "cow", "polygon": [[0, 0], [1, 1]]}], {}, "an object is called 'cow', which"),
        ([{"label": "car", "polygon": [[0, 0]]}], {}, "'car' has an outline of one point"),
        ([{"label": "car"}], {}, "not the outlines of a picture"),
        (ROAD_AND_SKY, {"imgWidth": 0}, "not the outlines of a picture"),
        (ROAD_AND_SKY, {"imgWidth": 48}, "label is 24x48, its image .* is 24x40"),
        ([7], {}, "not the outlines of a picture"),
    ],
)
def test_outlines_that_cannot_be_drawn_are_refused(
    tmp_path: Path, objects: list, changes: dict, complaint: str
):
    root = small_idd(tmp_path / "idd", "polygons")
    write_outlines(root / "gtFine/val/119/000045_gtFine_polygons.json", objects, **changes)
    with pytest.raises(RoadsegError, match=f"000045_gtFine_polygons.json: {complaint}"):
        convert("idd", root, tmp_path / "to")


def test_outlines_that_are_no_json_are_refused(tmp_path: Path):
    root = small_idd(tmp_path / "idd", "polygons")
    (root / "gtFine/val/119/000045_gtFine_polygons.json").write_text("{")
    with pytest.raises(RoadsegError, match="000045_gtFine_polygons.json: not JSON"):
        convert("idd", root, tmp_path / "to")


def test_each_fold_of_kitti_holds_back_21_of_200_images():
    assert [len(set(fold)) for fold in VALIDATION] == [21, 21, 21]
    in_several = [number for fold in VALIDATION for number in fold]
    assert len(in_several) == len(set(in_several)) + 1 and in_several.count(121) == 2
    assert set(in_several) <= set(range(200))


@pytest.mark.parametrize(("fold", "held_back"), [(0, [1]), (1, [0]), (2, [3])])
def test_kitti_is_split_by_the_numbers_of_its_fold(tmp_path: Path, fold: int, held_back: list[int]):
    root = small_kitti(tmp_path / "kitti", (0, 1, 2, 3))
    to = convert("kitti", root, tmp_path / "to", "--fold", str(fold))
    (example,) = open_records(to, "val").examples()
    assert [example["filename"]] == [f"{number:06d}_10" for number in held_back]
    wanted = mapped("cityscapes", id_map(held_back[0], SIZE))
    np.testing.assert_array_equal(example["label"], wanted)
    assert open_records(to, "train+val").num_examples == 4


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (
            lambda root: (root / "training/semantic/000002_10.png").unlink(),
            "1 files without the other of their pair: image_2/000002_10.png; add",
        ),
        (
            lambda root: (root / "training/image_2/000002_10.png").unlink(),
            "1 files without the other of their pair: semantic/000002_10.png; add",
        ),
        (
            lambda root: [
                (root / "training" / kind / "000002_10.png").rename(
                    root / "training" / kind / "berlin.png"
                )
                for kind in ("image_2", "semantic")
            ],
            "berlin.png: not the name of a KITTI frame",
        ),
        (
            lambda root: write_png(root / "training/semantic/000001_10.png", all_ids(7, 34)),
            "000001_10.png: label id 34 at row 0, column 1 is not in the label table 'kitti'",
        ),
        (
            lambda root: (root / "training/semantic").rename(root / "training/labels"),
            "semantic: no such folder; --source is the folder that holds training/image_2",
        ),
    ],
)
def test_what_is_wrong_with_kitti_is_named(tmp_path: Path, spoil, complaint: str):
    root = small_kitti(tmp_path / "kitti")
    spoil(root)
    with pytest.raises(RoadsegError, match=complaint):
        convert("kitti", root, tmp_path / "to")
