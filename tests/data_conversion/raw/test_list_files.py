"""Lists of "image label" lines, and the splits that the published lists are made of."""

from pathlib import Path

import numpy as np
import pytest

from roadseg.data_conversion.convert import main
from roadseg.data_conversion.read.records import open_records
from roadseg.data_conversion.sets.cityscapes import BROKEN_FRAME, cityscapes_source
from roadseg.errors import RoadsegError
from tests.data_conversion.support import id_map, picture, small_cityscapes, write_png


def line(split: str, name: str, kind: str = "gtFine") -> str:
    """Return the line of one frame in a published list."""
    city = name.split("_")[0]
    image = f"leftImg8bit/{split}/{city}/{name}_leftImg8bit.png"
    return f"{image} {kind}/{split}/{city}/{name}_{kind}_labelIds.png"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """Return a Cityscapes of three training frames, one of val and two coarse ones."""
    root = small_cityscapes(tmp_path / "city")
    for seed, name in enumerate((BROKEN_FRAME, "troisdorf_000000_000074")):
        image, label = line("train_extra", name, "gtCoarse").split()
        write_png(root / image, picture(seed))
        write_png(root / label, id_map(seed))
    return root


def written(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def converted(city: Path, to: Path, *options: str) -> Path:
    assert main(["cityscapes", "--source", str(city), "--to", str(to), *options]) == 0
    return to


def names(to: Path, split: str) -> list[str]:
    return [example["filename"] for example in open_records(to, split).examples()]


def test_lists_become_splits_in_the_order_of_their_lines(city: Path, tmp_path: Path):
    fine = [line("train", f"{x}_000019") for x in ("bonn_000001", "aachen_000000")]
    coarse = line("train_extra", "troisdorf_000000_000074", "gtCoarse")
    lists = [
        written(tmp_path / "train.txt", *fine),
        written(tmp_path / "train+.txt", *fine, coarse, ""),
    ]
    to = converted(city, tmp_path / "to", "--list", *lists)
    assert names(to, "train") == ["bonn_000001_000019", "aachen_000000_000019"]
    assert names(to, "train_plus")[2:] == ["troisdorf_000000_000074"]
    label = next(open_records(to, "train").examples())["label"]
    assert set(np.unique(label)) <= {*range(19), 255}


def test_a_list_may_name_train_ids_and_end_without_a_line_break(city: Path, tmp_path: Path):
    frames = ["bonn_000001_000019", "aachen_000000_000019"]
    lines = [line("train", frame) for frame in frames]
    ids = converted(city, tmp_path / "ids", "--list", written(tmp_path / "train.txt", *lines))
    path = tmp_path / "sgcpnet" / "train.txt"
    path.parent.mkdir()
    path.write_bytes("\n".join(lines).replace("labelIds", "labelTrainIds").encode())
    to = converted(city, tmp_path / "to", "--list", str(path), "--labels", "train")
    assert names(to, "train") == frames
    found, expected = ([e["label"] for e in open_records(f, "train").examples()] for f in (to, ids))
    np.testing.assert_array_equal(found, expected)


def test_paths_lead_where_they_say_and_empty_columns_mean_nothing(city: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (city / "link").symlink_to(tmp_path / "elsewhere")
    image, label = line("val", "aachen_000000_000019").split()
    for name in ("a", "b", "c"):
        write_png(tmp_path / "elsewhere" / f"{name}.png", picture(0))
    lines = [
        f"../elsewhere/a.png,{label},,",
        f"{tmp_path}/elsewhere/b.png,gtFine/train/../../{label}",
        f"link/c.png\t{label}\t",
        f"/{image} /{label}",
    ]
    to = converted(city, tmp_path / "to", "--list", written(tmp_path / "train.txt", *lines))
    assert names(to, "train") == ["a", "b", "c", "aachen_000000_000019"]


def test_a_list_can_be_given_the_name_of_its_split(city: Path, tmp_path: Path):
    path = written(tmp_path / "some list.txt", line("val", "aachen_000000_000019"))
    to = converted(city, tmp_path / "to", "--list", path, "--split-name", "few")
    assert names(to, "few") == ["aachen_000000_000019"]
    again = converted(city, tmp_path / "again", "--list", path)
    assert names(again, "some_list") == ["aachen_000000_000019"]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["leftImg8bit/test/a/a_leftImg8bit.png"], "line 1: one column, .*roadseg predict RUN"),
        ([line("train", "aachen_000000_000019"), "a b c"], "line 2: 3 columns; wanted 'image"),
        ([line("train", "bonn_000009_000019")], "line 1: no file .*bonn_000009.*relative to --so"),
        ([""], "list.txt: an empty list"),
    ],
)
def test_a_line_at_fault_is_named(city: Path, tmp_path: Path, lines: list[str], complaint: str):
    path = written(tmp_path / "list.txt", *lines)
    with pytest.raises(RoadsegError, match=complaint):
        converted(city, tmp_path / "to", "--list", path)
    assert not (tmp_path / "to").exists()


def test_a_listed_label_that_is_missing_is_named(city: Path, tmp_path: Path):
    text = line("train", "aachen_000000_000019")
    (city / text.split()[1]).unlink()
    with pytest.raises(RoadsegError, match="line 1: no file .*aachen_000000_000019_gtFine_labelI"):
        converted(city, tmp_path / "to", "--list", written(tmp_path / "list.txt", text))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--split-name", "a"], "add --list FILE"),
        (["--list", "a.txt", "--coarse"], "leave --splits and --coarse out"),
        (["--list", "a.txt", "--split-name", "a", "b"], "2 names for 1 lists"),
        (["--list", "a.txt", "--split-name", "train+"], "--split-name train+: wanted letters"),
        (["--list", "a/x.txt", "b/x.txt"], "two lists make the split 'x'"),
        (["--list", "absent.txt"], "absent.txt: cannot be read"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    city: Path, tmp_path: Path, options: list[str], complaint: str
):
    with pytest.raises(RoadsegError, match=complaint.replace("+", r"\+")):
        converted(city, tmp_path / "to", *options)


def test_the_published_lists_are_made_from_the_folders(city: Path):
    for kind in ("leftImg8bit", "gtFine"):
        for path in (city / kind / "val" / "aachen").iterdir():
            path.rename(path.with_name(path.name.replace("000000", "000007")))
    splits = ("train", "trainval", "train_plus", "train_plus_plus")
    found = cityscapes_source(city, splits=splits).splits
    train = [pair.name for pair in found["train"]]
    sound = "troisdorf_000000_000074"
    val = ["aachen_000007_000019"]
    assert [pair.name for pair in found["trainval"]] == train + val
    assert [pair.name for pair in found["train_plus"]] == [*train, BROKEN_FRAME, sound]
    assert [pair.name for pair in found["train_plus_plus"]] == [*train, *val, sound]
    coarse = found["train_plus"][-1].label.relative_to(city)
    assert str(coarse) == line("train_extra", sound, "gtCoarse").split()[1]


def test_test_without_labels_says_that_predict_needs_none(city: Path):
    write_png(city / "leftImg8bit" / "test" / "ulm" / "ulm_0_leftImg8bit.png", picture(0))
    with pytest.raises(RoadsegError, match="no labels of test, .*predict RUN --images .*it/test`"):
        cityscapes_source(city, splits=("test",))


def test_a_coarse_split_without_gtcoarse_is_refused(tmp_path: Path):
    root = small_cityscapes(tmp_path / "city")
    with pytest.raises(RoadsegError, match="split 'train_plus' needs gtCoarse/train_extra"):
        cityscapes_source(root, splits=("train_plus",))


def test_lists_of_the_camvid_tutorial_are_read_with_its_leading_folders(tmp_path: Path):
    root = tmp_path / "CamVid"
    for number in range(2):
        write_png(root / "train" / f"{number}.png", picture(number))
        write_png(root / "trainannot" / f"{number}.png", np.full((24, 40), 3, np.uint8))
    lines = ["/SegNet/CamVid/train/1.png /SegNet/CamVid/trainannot/1.png"]
    path = written(tmp_path / "train.txt", *lines, "train/0.png trainannot/0.png")
    assert (
        main(["camvid", "--source", str(root), "--to", str(tmp_path / "to"), "--list", path]) == 0
    )
    assert names(tmp_path / "to", "train") == ["1", "0"]
