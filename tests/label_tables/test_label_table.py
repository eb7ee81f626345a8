import json
from pathlib import Path

import pytest

from roadseg import label_tables
from roadseg.errors import RoadsegError
from roadseg.label_tables import LabelTable


def test_cityscapes_agrees_with_cityscapesscripts():
    labels = pytest.importorskip("cityscapesscripts.helpers.labels").labels
    table = label_tables.get("cityscapes")
    ignored = (255, -1)
    assert table.id_to_train == {
        x.id: table.ignore if x.trainId in ignored else x.trainId for x in labels
    }
    assert {(x.id, x.name, x.category, x.color) for x in labels} == {
        (x.id, x.name, x.category, x.colour) for x in table.label_ids
    }
    trained = sorted((x for x in labels if x.trainId not in ignored), key=lambda x: x.trainId)
    assert table.names == tuple(x.name for x in trained)
    assert table.colours == tuple(x.color for x in trained)
    assert table.categories == tuple(x.category for x in trained)


def test_cityscapes_targets_are_people_and_vehicles():
    table = label_tables.get("cityscapes")
    assert table.target_classes == tuple(range(11, 19))
    assert {table.categories[i] for i in table.target_classes} == {"human", "vehicle"}


def test_license_plate_is_ignored():
    assert label_tables.get("cityscapes").id_to_train[-1] == 255


def test_void_of_camvid_is_ignored():
    table = label_tables.get("camvid")
    assert table.num_classes == 11
    assert table.id_to_train == {**{i: i for i in range(11)}, 11: 255}


def test_32_colours_of_camvid_fall_into_11_classes():
    table = label_tables.get("camvid32")
    assert len(table.colour_to_train) == 32
    assert table.names == label_tables.get("camvid").names
    assert set(table.colour_to_train.values()) == {*range(11), 255}
    grouped = {label.name: label.train_id for label in table.label_ids}
    assert table.names[grouped["Truck_Bus"]] == "car"
    assert table.names[grouped["LaneMkgsDriv"]] == "road"
    assert grouped["Void"] == 255


@pytest.mark.parametrize("name", label_tables.list_tables())
def test_a_table_survives_json(name: str, tmp_path: Path):
    table = label_tables.get(name)
    path = tmp_path / "label_table.json"
    path.write_text(table.to_json())
    assert LabelTable.from_json(path) == table
    assert LabelTable.from_json(table.to_json()) == table


def test_an_unknown_table_names_those_there_are():
    with pytest.raises(RoadsegError, match="no label table 'nuscenes'.*cityscapes, camvid"):
        label_tables.get("nuscenes")


def test_a_broken_table_names_its_file(tmp_path: Path):
    path = tmp_path / "label_table.json"
    path.write_text(json.dumps({"name": "x", "names": ["a", "b"], "colours": [[0, 0, 0]]}))
    with pytest.raises(RoadsegError, match="label_table.json: not a label table"):
        LabelTable.from_json(path)
    with pytest.raises(RoadsegError, match="absent.json: no label table"):
        LabelTable.from_json(tmp_path / "absent.json")


def test_a_class_cannot_be_the_ignore_value():
    with pytest.raises(ValueError, match="ignore value 0 is a class"):
        LabelTable("x", ("a", "b"), ((0, 0, 0), (1, 1, 1)), ignore=0)


def test_categories_are_seven_classes_with_the_ids_of_their_members():
    fine, coarse = label_tables.get("cityscapes"), label_tables.get("cityscapes_categories")
    assert coarse.names == fine.category_names and coarse.num_classes == 7
    for value, train_id in fine.id_to_train.items():
        wanted = 255 if train_id == 255 else coarse.names.index(fine.categories[train_id])
        assert coarse.id_to_train[value] == wanted
    targets = {coarse.names[index] for index in coarse.target_classes}
    assert targets == {fine.categories[index] for index in fine.target_classes}
    assert label_tables.get("street_scenes_categories").names == coarse.names


@pytest.mark.parametrize("word", ["", " ", "a\nb", "\x1b[31mred", "\x9b", 3, None])
@pytest.mark.parametrize("field", ["name", "names", "categories", "label name", "category"])
def test_a_name_is_text_that_shows_in_one_line(word: object, field: str):
    values = json.loads(label_tables.get("cityscapes").to_json())
    if field == "name":
        values["name"] = word
    elif field in ("names", "categories"):
        values[field][3] = word
    elif field == "label name":
        values["label_ids"][3]["name"] = word
    elif word:
        values["label_ids"][3]["category"] = word
    else:
        return  # a label may be of no category
    with pytest.raises(RoadsegError, match="label table: not a label table .* is no name"):
        LabelTable.from_json(json.dumps(values))
