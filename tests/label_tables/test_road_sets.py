"""The tables of SFSegNets' data sets and of the two cameras, against what their sources publish."""

import pytest

from roadseg import label_tables
from roadseg.errors import RoadsegError
from roadseg.label_tables import LabelTable
from roadseg.label_tables.mapillary import PROPOSAL
from roadseg.label_tables.uds import MEMBERS, uds_member
from roadseg.label_tables.vistas import CLASSES

CITYSCAPES = {
    **{7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11},
    **{25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18},
}
IDD = {
    **{0: 0, 3: 1, 5: 9, 6: 11, 8: 12, 9: 17, 10: 18, 12: 13, 13: 14, 14: 15, 17: 16, 20: 3, 21: 4},
    **{24: 7, 25: 6, 26: 5, 29: 2, 32: 8, 33: 10},
}
VISTAS = {
    **{13: 0, 24: 0, 41: 0, 2: 1, 15: 1, 17: 2, 6: 3, 3: 4, 45: 5, 47: 5, 48: 6, 50: 7, 30: 8},
    **{29: 9, 27: 10, 19: 11, 20: 12, 21: 12, 22: 12, 55: 13, 61: 14, 54: 15, 58: 16, 57: 17},
    52: 18,
}


def trained(table: LabelTable) -> dict[int, int]:
    """Return label id -> class, of those that are no ignored one."""
    return {i: train for i, train in table.id_to_train.items() if train != table.ignore}


@pytest.mark.parametrize(
    ("name", "classes", "ids"),
    [
        ("cityscapes", 19, 35),
        ("kitti", 19, 35),
        ("bdd100k", 19, 20),
        ("idd", 19, 40),
        ("mapillary65", 65, 66),
        ("uds", 19, 20),
        ("camvid", 11, 12),
        ("dual_camera", 6, 7),
    ],
)
def test_each_set_has_its_published_number_of_classes_and_ids(name: str, classes: int, ids: int):
    table = label_tables.get(name)
    assert table.num_classes == classes
    assert len(table.id_to_train) == ids
    assert table.name == name
    assert set(table.id_to_train.values()) == {*range(classes), table.ignore}


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        (label_tables.get("cityscapes"), CITYSCAPES),
        (label_tables.get("kitti"), CITYSCAPES),
        (label_tables.get("idd"), IDD),
        (label_tables.get("bdd100k"), {i: i for i in range(19)}),
        (label_tables.get("mapillary65"), {i: i for i in range(65)}),
        (uds_member("cityscapes"), CITYSCAPES),
        (uds_member("idd"), IDD),
        (uds_member("bdd100k"), {i: i for i in range(19)}),
        (uds_member("mapillary"), VISTAS),
    ],
    ids=lambda value: value.name if isinstance(value, LabelTable) else "",
)
def test_label_ids_become_the_published_classes(table: LabelTable, wanted: dict[int, int]):
    assert trained(table) == wanted


def test_the_sets_of_19_classes_share_the_names_and_colours_of_cityscapes():
    city = label_tables.get("cityscapes")
    for name in ("kitti", "bdd100k", "idd", "uds", "mapillary"):
        table = label_tables.get(name)
        assert (table.names, table.colours) == (city.names, city.colours)
        assert table.target_classes == city.target_classes


def test_ids_of_idd_are_those_of_the_classes_they_become():
    named = {label.name: label.train_id for label in label_tables.get("idd").label_ids}
    city = label_tables.get("cityscapes").names
    renamed = {"non-drivable fallback": "terrain"}
    for name, train_id in named.items():
        if train_id != 255:
            assert city[train_id] == renamed.get(name, name)


def test_every_class_of_the_proposal_is_one_of_vistas():
    assert {name for names in PROPOSAL.values() for name in names} <= {name for name, _ in CLASSES}


def test_classes_of_vistas_with_a_namesake_in_cityscapes_are_merged_into_it():
    by_id = {label.id: label.name.split("--")[-1] for label in uds_member("mapillary").label_ids}
    names = label_tables.get("uds").names
    for label_id, train_id in VISTAS.items():
        if by_id[label_id] in names:
            assert names[train_id] == by_id[label_id]


def test_people_and_vehicles_are_the_target_of_65_classes():
    table = label_tables.get("mapillary65")
    assert table.num_classes == 65 and table.names[19] == "human--person"
    assert table.target_classes == (*range(19, 23), *range(52, 63))


def test_the_two_cameras_have_the_palette_of_their_code():
    table = label_tables.get("dual_camera")
    palette = [
        (0, 0, 0),
        (128, 64, 128),
        (220, 20, 60),
        (0, 0, 142),
        (153, 153, 153),
        (119, 11, 32),
    ]
    assert list(table.colours) == palette
    assert table.id_to_train == {**{i: i for i in range(6)}, -1: 255}


def test_a_set_that_is_no_member_is_refused_with_those_that_are():
    assert MEMBERS == ("bdd100k", "mapillary", "idd", "cityscapes")
    with pytest.raises(RoadsegError, match="no member 'kitti'; there are: bdd100k, mapillary, idd"):
        uds_member("kitti")
