from pathlib import Path

import cv2
import numpy as np
import pytest

from roadseg import label_tables
from roadseg.data_conversion.convert import main
from roadseg.data_conversion.read.records import open_records
from roadseg.data_conversion.scenes import ids
from roadseg.data_conversion.scenes.canvas import Camera
from roadseg.data_conversion.sets.street_scenes import draw, image_path, write_street_scenes
from roadseg.errors import RoadsegError

SIZE = (128, 256)


@pytest.fixture(scope="module")
def scenes() -> list[tuple[np.ndarray, np.ndarray]]:
    return [draw("train", index, SIZE, seed=0) for index in range(12)]


def test_the_same_seed_draws_the_same_pixels(scenes: list[tuple[np.ndarray, np.ndarray]]):
    image, labels = draw("train", 3, SIZE, seed=0)
    np.testing.assert_array_equal(image, scenes[3][0])
    np.testing.assert_array_equal(labels, scenes[3][1])


def test_scenes_splits_and_seeds_differ(scenes: list[tuple[np.ndarray, np.ndarray]]):
    first = scenes[0][0]
    for other in (scenes[1][0], draw("val", 0, SIZE, 0)[0], draw("train", 0, SIZE, 1)[0]):
        assert np.abs(first.astype(int) - other).mean() > 5


@pytest.mark.parametrize("size", [(128, 256), (95, 161), (160, 160)])
def test_any_size_can_be_drawn(size: tuple[int, int]):
    image, labels = draw("val", 1, size, seed=5)
    assert image.shape == (*size, 3) and image.dtype == np.uint8
    assert labels.shape == size and labels.dtype == np.uint8


def test_every_class_is_seen_in_a_few_dozen_scenes(scenes: list[tuple[np.ndarray, np.ndarray]]):
    table = label_tables.get("street_scenes")
    found = {int(v) for _, labels in scenes for v in np.unique(labels)}
    index = 12
    while not {table.id_to_train[value] for value in found} >= set(range(19)) and index < 48:
        found |= {int(v) for v in np.unique(draw("train", index, SIZE, seed=0)[1])}
        index += 1
    assert index < 48 and found <= set(table.id_to_train)


def test_most_scenes_hold_thin_poles_and_far_people(scenes: list[tuple[np.ndarray, np.ndarray]]):
    thin, far = 0, 0
    for _, labels in scenes:
        pole = (labels == ids.POLE).astype(np.uint8)
        _, _, boxes, _ = cv2.connectedComponentsWithStats(pole)
        thin += bool(((boxes[1:, 2] <= 3) & (boxes[1:, 3] >= 8)).any())
        person = np.isin(labels, (ids.PERSON, ids.RIDER)).astype(np.uint8)
        _, _, boxes, _ = cv2.connectedComponentsWithStats(person)
        far += bool((boxes[1:, 3] <= SIZE[0] / 12).any())
    assert thin >= 9 and far >= 9


def test_labels_lie_where_the_picture_changes(scenes: list[tuple[np.ndarray, np.ndarray]]):
    steps: dict[int, list[np.ndarray]] = {-2: [], 0: [], 2: []}
    for image, labels in scenes:
        step = np.abs(np.diff(image.astype(int), axis=1)).sum(-1)
        edge = np.diff(labels.astype(int), axis=1) != 0
        for shift, found in steps.items():
            found.append(np.roll(step, shift, axis=1)[edge])
    mean = {shift: np.concatenate(found).mean() for shift, found in steps.items()}
    assert mean[0] > 2 * max(mean[-2], mean[2])


def test_the_camera_puts_far_ground_higher_and_far_things_smaller():
    camera = Camera(focal_px=1000, centre_px=500, horizon_px=250, x=0.0, height=1.5)
    ground = camera.project(np.array([(0.0, 0, 5), (0, 0, 50), (1, 0, 50)], float))
    np.testing.assert_allclose(ground, [(500, 550), (500, 280), (520, 280)])


def test_the_files_have_the_layout_of_cityscapes(tmp_path: Path):
    paths = write_street_scenes(tmp_path / "scenes", train=2, val=1, size=(64, 128), seed=2)
    assert [path.parts[-4:-1] for path in paths] == [
        ("leftImg8bit", "train", "lindenau"),
        ("leftImg8bit", "train", "lindenau"),
        ("leftImg8bit", "val", "ostheim"),
    ]
    label = Path(
        str(paths[0]).replace("leftImg8bit", "gtFine", 1).replace("leftImg8bit", "gtFine_labelIds")
    )
    image, labels = draw("train", 0, (64, 128), 2)
    np.testing.assert_array_equal(cv2.imread(str(paths[0]))[..., ::-1], image)
    np.testing.assert_array_equal(cv2.imread(str(label), cv2.IMREAD_UNCHANGED), labels)


def test_drawing_goes_on_where_it_stopped(tmp_path: Path):
    first = write_street_scenes(tmp_path / "a", train=2, val=1, size=(64, 128))
    before = [path.stat().st_mtime_ns for path in first]
    content = first[1].read_bytes()
    first[1].unlink()
    second = write_street_scenes(tmp_path / "a", train=3, val=1, size=(64, 128))
    assert len(second) == 4 and first[0].stat().st_mtime_ns == before[0]
    assert first[1].read_bytes() == content


def test_workers_draw_the_same_scenes(tmp_path: Path):
    one = write_street_scenes(tmp_path / "a", train=3, val=0, size=(64, 128))
    two = write_street_scenes(tmp_path / "b", train=3, val=0, size=(64, 128), workers=2)
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_scenes_of_other_settings_are_not_mixed(tmp_path: Path):
    write_street_scenes(tmp_path, train=1, val=0, size=(64, 128))
    with pytest.raises(RoadsegError, match="scenes of other settings are here"):
        write_street_scenes(tmp_path, train=1, val=0, size=(64, 128), seed=1)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path):
    (tmp_path / "holiday.jpg").write_bytes(b"")
    with pytest.raises(RoadsegError, match="not empty, and not of street scenes"):
        write_street_scenes(tmp_path, train=1, val=0)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


@pytest.mark.parametrize(("train", "size"), [(0, (64, 128)), (-1, (64, 128)), (1, (32, 128))])
def test_too_few_or_too_small_scenes_are_refused(train: int, size: tuple[int, int], tmp_path: Path):
    with pytest.raises(RoadsegError, match="at least one scene, and sides of 64 or more"):
        write_street_scenes(tmp_path, train=train, val=0, size=size)


def test_one_command_draws_and_converts(tmp_path: Path):
    command = ["street_scenes", "--source", str(tmp_path / "scenes"), "--to", str(tmp_path / "to")]
    command += ["--train", "3", "--val", "2", "--size", "64", "128", "--workers", "1"]
    assert main(command) == 0
    records = open_records(tmp_path / "to", "val")
    assert records.num_examples == 2 and records.image_size == (64, 128)
    assert records.label_table.name == "street_scenes"
    fewer = [*command, "--overwrite"]
    fewer[fewer.index("--train") + 1] = "2"
    assert main(fewer) == 0
    assert open_records(tmp_path / "to", "train").num_examples == 2
    assert image_path(tmp_path / "scenes", "train", 2).is_file()


def test_a_short_focal_length_shows_the_same_street_smaller():
    _, usual = draw("val", 2, SIZE, seed=0)
    image, wide = draw("val", 2, SIZE, seed=0, focal=0.5)
    vehicles = (ids.CAR, ids.TRUCK, ids.BUS)
    assert image.shape == (*SIZE, 3)
    assert 0 < np.isin(wide, vehicles).sum() < np.isin(usual, vehicles).sum()


def test_scenes_of_another_focal_length_do_not_mix(tmp_path: Path):
    write_street_scenes(tmp_path, 1, 0, (64, 128), focal=0.5)
    with pytest.raises(RoadsegError, match="scenes of other settings are here"):
        write_street_scenes(tmp_path, 1, 0, (64, 128))
    with pytest.raises(RoadsegError, match="--focal 0: a factor from 0.3 to 3"):
        write_street_scenes(tmp_path, 1, 0, (64, 128), focal=0.0)


def test_scenes_become_records_of_seven_categories(tmp_path: Path):
    size = ["--size", "64", "128", "--train", "2", "--val", "1", "--shards", "1"]
    to = ["--source", str(tmp_path / "scenes"), "--to", str(tmp_path)]
    assert main(["street_scenes", *to, *size, "--classes", "categories"]) == 0
    records = open_records(tmp_path / "street_scenes_categories", "train")
    assert records.num_examples == 2
    assert records.label_table == label_tables.get("street_scenes_categories")
