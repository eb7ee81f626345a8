import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from roadseg import label_tables
from roadseg.data_conversion.convert import main
from roadseg.data_conversion.read.records import open_records
from roadseg.errors import RoadsegError
from roadseg.label_tables.mapillary import PROPOSAL
from roadseg.label_tables.vistas import CLASSES
from tests.data_conversion.small_sets import all_ids, small_vistas, write_palette
from tests.data_conversion.support import id_map, picture, write_png

OTHERS = ("animal--bird", "object--manhole", "void--unlabeled")
VISTAS = [*(name for names in PROPOSAL.values() for name in names), *OTHERS]


def vistas(root: Path, names: list[str] = VISTAS) -> Path:
    """Write Vistas v1.2 in small: every class in every label."""
    labels = [{"name": name, "color": [i, i, i], "readable": name} for i, name in enumerate(names)]
    root.mkdir(parents=True)
    (root / "config.json").write_text(json.dumps({"labels": labels}))
    values = np.resize(np.arange(len(VISTAS), dtype=np.uint8), (24, 40))
    for folder, count in (("training", 2), ("validation", 1)):
        for number in range(count):
            image = root / folder / "images" / f"{folder}{number}.jpg"
            image.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(image), picture(number))
            write_palette(root / folder / "labels" / f"{folder}{number}.png", values)
    return root


def converted(root: Path, to: Path, *options: str) -> Path:
    assert main(["mapillary", "--source", str(root), "--to", str(to), *options]) == 0
    return to


def test_classes_of_vistas_become_those_of_cityscapes_by_name(tmp_path: Path):
    to = converted(vistas(tmp_path / "v"), tmp_path / "to")
    assert open_records(to, "train").num_examples == 2
    opened = open_records(to, "val")
    assert opened.label_table.names == label_tables.get("cityscapes").names
    label = next(opened.examples())["label"].ravel()[: len(VISTAS)]
    named = {VISTAS[i]: opened.label_table.names[t] for i, t in enumerate(label) if t != 255}
    assert named == {theirs: ours for ours, names in PROPOSAL.items() for theirs in names}
    assert set(label[[VISTAS.index(name) for name in OTHERS]]) == {255}


def test_the_proposal_covers_every_class_of_cityscapes():
    assert tuple(PROPOSAL) == label_tables.get("cityscapes").names
    listed = [name for names in PROPOSAL.values() for name in names]
    assert len(listed) == len(set(listed)) == 29


def test_seg19_lbl_holds_the_ids_of_cityscapes_and_is_taken_first(tmp_path: Path):
    root = vistas(tmp_path / "v")
    for folder, count in (("training", 2), ("validation", 1)):
        for number in range(count):
            write_png(root / folder / "seg19_lbl" / f"{folder}{number}.png", id_map(number))
    found = next(open_records(converted(root, tmp_path / "to"), "train").examples())
    mapping = label_tables.get("cityscapes").id_to_train
    np.testing.assert_array_equal(found["label"], np.vectorize(mapping.get)(id_map(0)))
    other = converted(root, tmp_path / "other", "--labels", "labels")
    assert next(open_records(other, "train").examples())["label"][0, 0] == 0


def test_both_splits_are_read_as_one_for_trainval(tmp_path: Path):
    to = converted(vistas(tmp_path / "v"), tmp_path / "to")
    both = open_records(to, "train+val")
    assert [example["filename"] for example in both.examples()] == [
        "training0",
        "training1",
        "validation0",
    ]


def test_every_file_without_the_other_of_its_pair_is_named(tmp_path: Path):
    root = vistas(tmp_path / "v")
    (root / "training" / "labels" / "training1.png").rename(
        root / "training" / "labels" / "training1_other.png"
    )
    with pytest.raises(
        RoadsegError,
        match=r"training: 2 files .*: images/training1.jpg, labels/training1_other.png; add what",
    ):
        converted(root, tmp_path / "to")


def test_an_id_outside_the_table_names_file_and_value(tmp_path: Path):
    root = vistas(tmp_path / "v")
    write_palette(root / "training" / "labels" / "training1.png", np.full((24, 40), 77, np.uint8))
    with pytest.raises(RoadsegError, match="training1.png: label id 77 at row 0, column 0 is not"):
        converted(root, tmp_path / "to")


def test_another_release_is_refused_with_the_classes_that_it_lacks(tmp_path: Path):
    names = [name.replace("marking--general", "marking--discrete--arrow") for name in VISTAS]
    with pytest.raises(RoadsegError, match="config.json: no class marking--general; classes of Vi"):
        converted(vistas(tmp_path / "v", names), tmp_path / "to")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda root: (root / "config.json").unlink(), "config.json: No such file.*v1.2"),
        (lambda root: (root / "config.json").write_text("[1]"), "not the config.json of Vistas"),
        (lambda root: (root / "training").rename(root / "train"), None),
        (
            lambda root: [
                (root / folder / "labels").rename(root / folder / "instances")
                for folder in ("training", "validation")
            ],
            "training: neither seg19_lbl nor labels",
        ),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, spoil, complaint: str | None):
    root = vistas(tmp_path / "v")
    spoil(root)
    if complaint is None:
        to = converted(root, tmp_path / "to")
        with pytest.raises(RoadsegError, match="no split 'train'; there are: val"):
            open_records(to, "train")
        return
    with pytest.raises(RoadsegError, match=complaint):
        converted(root, tmp_path / "to")


def write_config(root: Path, names: list[str]) -> None:
    labels = [{"name": name, "color": [0, 0, 0]} for name in names]
    (root / "config.json").write_text(json.dumps({"labels": labels}))


def test_the_65_classes_of_vistas_keep_their_ids(tmp_path: Path):
    to = converted(small_vistas(tmp_path / "v"), tmp_path / "to", "--classes", "65")
    opened = open_records(to / "mapillary65", "train")
    assert opened.num_examples == 2 and opened.label_table == label_tables.get("mapillary65")
    wanted = np.where(all_ids(*range(66)) == 65, 255, all_ids(*range(66)))
    np.testing.assert_array_equal(next(opened.examples())["label"], wanted)


def test_vistas_can_be_mapped_as_the_merged_set_maps_it(tmp_path: Path):
    to = converted(small_vistas(tmp_path / "v"), tmp_path / "to", "--classes", "uds")
    opened = open_records(to / "mapillary", "val")
    assert opened.label_table.names == label_tables.get("uds").names
    label = next(opened.examples())["label"].ravel()
    assert [int(label[i]) for i in (13, 41, 2, 22, 52, 7, 65)] == [0, 0, 1, 12, 18, 255, 255]


def test_ids_are_checked_against_config_json_where_it_is_there(tmp_path: Path):
    root = small_vistas(tmp_path / "v")
    names = [name for name, _ in CLASSES]
    write_config(root, names)
    converted(root, tmp_path / "to", "--classes", "65")
    write_config(root, [*names[:3], "other", *names[4:]])
    with pytest.raises(RoadsegError, match="config.json: id 3 is 'other', in Vistas .* it is 'con"):
        converted(root, tmp_path / "other", "--classes", "65")
    write_config(root, names[:-1])
    with pytest.raises(RoadsegError, match="config.json: id 65 is missing, in Vistas v1.1 and v1"):
        converted(root, tmp_path / "other", "--classes", "uds")


def test_maps_of_19_classes_cannot_become_65(tmp_path: Path):
    with pytest.raises(RoadsegError, match="--classes 65 --labels seg19_lbl: these files hold 19"):
        converted(
            small_vistas(tmp_path / "v"),
            tmp_path / "to",
            "--classes",
            "65",
            "--labels",
            "seg19_lbl",
        )


def test_maps_that_sfsegnets_writes_beside_the_labels_are_no_labels(tmp_path: Path):
    root = vistas(tmp_path / "v")
    write_palette(root / "training/labels/training0_19labelTrainIds.png", all_ids(200))
    assert open_records(converted(root, tmp_path / "to"), "train").num_examples == 2
