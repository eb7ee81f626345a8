from pathlib import Path

import numpy as np
import pytest

from roadseg.data_conversion.convert import main
from roadseg.data_conversion.raw.class_table import read_class_table
from roadseg.data_conversion.read.records import open_records
from roadseg.errors import RoadsegError
from tests.data_conversion.support import picture, write_png

BY_ID = """
name: my_city
ignore: [0, 255]
classes:
  - {name: road, colour: [128, 64, 128], ids: [7, 9]}
  - {name: person, colour: [220, 20, 60], ids: 24, target: true, small: true}
"""
BY_COLOUR = """
labels: colours
classes:
  - {name: road, colour: [128, 64, 128]}
  - {name: person, colour: [220, 20, 60], colours: [[220, 20, 60], [255, 0, 0]]}
"""


def my_folder(root: Path, table: str, labels: np.ndarray) -> Path:
    root.mkdir()
    (root / "classes.yaml").write_text(table)
    for split in ("train", "night"):
        write_png(root / "images" / split / "a.png", picture(1))
        write_png(root / "labels" / split / "a.png", labels)
    return root


def convert(source: Path, to: Path) -> Path:
    assert main(["folder", "--source", str(source), "--to", str(to)]) == 0
    return to


def test_ids_of_ones_own_become_train_ids(tmp_path: Path):
    labels = np.resize(np.array([0, 7, 9, 24, 255], np.uint8), (24, 40))
    to = convert(my_folder(tmp_path / "f", BY_ID, labels), tmp_path / "to")
    opened = open_records(to, "night")
    assert opened.label_table.names == ("road", "person")
    assert opened.label_table.target_classes == opened.label_table.small_classes == (1,)
    assert opened.path.parent.name == "my_city"
    label = next(opened.examples())["label"]
    np.testing.assert_array_equal(label.ravel()[:5], [255, 0, 0, 1, 255])


def test_colours_of_ones_own_become_train_ids(tmp_path: Path):
    colours = np.array([(0, 0, 0), (128, 64, 128), (220, 20, 60), (255, 0, 0)], np.uint8)
    labels = colours[np.resize(np.arange(4), (24, 40))]
    to = convert(my_folder(tmp_path / "city", BY_COLOUR, labels), tmp_path / "to")
    label = next(open_records(to, "train").examples())["label"]
    np.testing.assert_array_equal(label.ravel()[:4], [255, 0, 1, 1])


def test_a_colour_outside_the_table_is_named_with_its_pixel(tmp_path: Path):
    labels = np.zeros((24, 40, 3), np.uint8)
    labels[2, 3] = (1, 2, 3)
    source = my_folder(tmp_path / "city", BY_COLOUR, labels)
    with pytest.raises(RoadsegError, match=r"a.png: colour \(1, 2, 3\) at row 2, column 3 is not"):
        convert(source, tmp_path / "to")


def test_grey_labels_where_colours_are_wanted_are_refused(tmp_path: Path):
    source = my_folder(tmp_path / "city", BY_COLOUR, np.zeros((24, 40), np.uint8))
    with pytest.raises(RoadsegError, match="holds one value a pixel; this data set wants RGB"):
        convert(source, tmp_path / "to")


def test_images_without_a_split_folder_are_refused(tmp_path: Path):
    (tmp_path / "images").mkdir()
    (tmp_path / "classes.yaml").write_text(BY_ID)
    with pytest.raises(RoadsegError, match="no folder for a split; put the images into images/tr"):
        convert(tmp_path, tmp_path / "to")


def test_a_split_without_images_is_refused(tmp_path: Path):
    source = my_folder(tmp_path / "f", BY_ID, np.zeros((24, 40), np.uint8))
    (source / "images" / "dusk").mkdir()
    with pytest.raises(RoadsegError, match="split 'dusk' has no images; leave it out"):
        convert(source, tmp_path / "to")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("classes: []", "classes: wanted a list of classes"),
        ("classes: [{name: road}]", "class 0: wanted name and colour"),
        ("classes: [{name: road, color: [0, 0, 0]}]", "class 0: unknown color; known: colour"),
        ("classes: [{name: road, colour: [0, 0]}]", r"road: colour \['0', '0'\] is not"),
        ("classes: [{name: road, colour: [0, 0, 300]}]", "road: id '300' is not a whole number"),
        ("classes: [{name: a, colour: [0, 0, 0], ids: x}]", "a: id 'x' is not a whole number"),
        (BY_ID + "  - {name: sky, colour: [1, 2, 3], ids: 9}", "sky: 9 belongs to 'road' already"),
        ("labels: text\nclasses: [{name: a, colour: [0, 0, 0]}]", "'text' is neither ids nor"),
        ("name: My City\nclasses: [{name: a, colour: [0, 0, 0]}]", "name 'My City': wanted small"),
        ("classes: [", "not YAML"),
        ("just text", "the table: wanted keys"),
    ],
)
def test_a_class_table_at_fault_says_where(text: str, complaint: str, tmp_path: Path):
    path = tmp_path / "classes.yaml"
    path.write_text(text)
    with pytest.raises(RoadsegError, match=f"classes.yaml: .*{complaint}"):
        read_class_table(path)


def test_a_missing_class_table_is_named(tmp_path: Path):
    with pytest.raises(RoadsegError, match="classes.yaml: no class table"):
        read_class_table(tmp_path / "classes.yaml")
