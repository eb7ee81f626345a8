"""A data set with many faults is mended once: every fault is in the one line of the first run."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from roadseg.cli import main
from roadseg.data_conversion.read.records import open_records
from roadseg.data_conversion.sets.camvid import camvid_original_source
from roadseg.data_conversion.sets.cityscapes import cityscapes_source
from roadseg.data_conversion.sets.dual_camera import dual_camera_source
from roadseg.data_conversion.sets.flow_pairs import flow_source
from roadseg.data_conversion.sets.idd import idd_source
from roadseg.data_conversion.sets.kitti import kitti_source
from roadseg.data_conversion.sets.mapillary import mapillary_source
from roadseg.data_conversion.sets.uds import uds_source
from roadseg.errors import RoadsegError
from tests.data_conversion.small_sets import small_bdd, small_idd, small_kitti, small_vistas
from tests.data_conversion.support import id_map, picture, small_cityscapes, write_png


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """Return a Cityscapes with four faults in three of its five pairs."""
    root = small_cityscapes(tmp_path / "city", train=3, val=2)
    images = sorted(root.glob("leftImg8bit/*/*/*.png"))
    labels = sorted(root.glob("gtFine/*/*/*labelIds.png"))
    write_png(labels[0], np.full((24, 40), 99, np.uint8))
    truncate(images[1])
    write_png(labels[1], np.full((24, 40), 98, np.uint8))
    write_png(labels[4], id_map(0, (16, 40)))
    return root


def convert(source: Path, to: Path, *options: str) -> int:
    return main(["convert", "cityscapes", "--source", str(source), "--to", str(to), *options])


def test_every_pair_at_fault_is_named_in_one_line(city: Path, tmp_path: Path, capsys):
    to = tmp_path / "to"
    assert convert(city, to) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert line.startswith(f"error: {city}: 3 of 5 pairs cannot be converted: gtFine/train/")
    for part in ("label id 99", "truncated PNG", "label id 98", "label is 16x40"):
        assert line.count(part) == 1
    assert line.endswith("; mend them all, or leave them out with --keep-going")
    assert not any(to.iterdir())


def test_the_rest_is_converted_where_it_is_asked_for(city: Path, tmp_path: Path, capsys):
    to = tmp_path / "to"
    assert convert(city, to, "--keep-going") == 1
    line = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("left out: "))
    assert line.startswith(f"left out: {city}: 3 of 5 pairs cannot be converted: gtFine/train/")
    names = [e["filename"] for e in open_records(to, "train+val").examples()]
    assert names == ["bonn_000001_000019", "aachen_000000_000019"]


def test_a_split_of_nothing_but_faults_is_refused_all_the_same(city: Path, tmp_path: Path):
    truncate(sorted(city.glob("leftImg8bit/val/*/*.png"))[0])
    assert convert(city, tmp_path / "to", "--keep-going") == 2
    assert convert(city, tmp_path / "to", "--keep-going", "--splits", "train") == 1


def test_one_fault_is_said_as_it_is(tmp_path: Path, capsys):
    root = small_cityscapes(tmp_path / "city", train=2, val=1)
    path = sorted(root.glob("leftImg8bit/train/*/*.png"))[0]
    truncate(path)
    assert convert(root, tmp_path / "to") == 2
    assert f"error: {path}: truncated PNG" in capsys.readouterr().err
    assert convert(root, tmp_path / "to", "--keep-going") == 1
    assert f"left out: {path}: truncated PNG" in capsys.readouterr().out


def unlabelled(folder: Path) -> None:
    for path in small_cityscapes(folder, train=2, val=1).glob("gtFine/*/aachen/*labelIds.png"):
        path.unlink()
    (folder / "gtFine/val/aachen/x_gtFine_labelIds.png").touch()  # val is a split all the same
    cityscapes_source(folder)


def kitti_of_other_names(folder: Path) -> None:
    small_kitti(folder)
    for name in ("x", "y"):
        for kind in ("image_2", "semantic"):
            write_png(folder / "training" / kind / f"{name}.png", id_map(0))
    kitti_source(folder)


def camvid_of_other_names(folder: Path) -> None:
    for name in ("x", "y"):
        write_png(folder / "701_StillsRaw_full" / f"{name}.png", picture(0))
        write_png(folder / "LabeledApproved_full" / f"{name}_L.png", picture(0))
    camvid_original_source(folder)


def vistas_without_partners(folder: Path) -> None:
    small_vistas(folder)
    (folder / "training/labels/v0.png").unlink()
    (folder / "validation/images/v0.jpg").unlink()
    mapillary_source(folder, classes="65")


def two_cameras_without_partners(folder: Path) -> None:
    for split, number in (("train", 1), ("val", 2)):
        write_png(folder / f"image_{split}" / f"fov120_{number:05d}.png", picture(0))
    dual_camera_source(folder)


def members_at_fault(folder: Path) -> None:
    small_bdd(folder / "bdd")
    next((folder / "bdd/labels/train").glob("*")).rename(folder / "bdd/labels/train/x.txt")
    small_idd(folder / "idd")
    (folder / "idd/gtFine/val/119/000045_gtFine_labelids.png").unlink()
    small_vistas(folder / "mapillary")
    (folder / "mapillary/training/labels/v0.png").unlink()
    uds_source(folder)


def a_list_of_flow(folder: Path) -> None:
    (folder / "train.txt").write_text("a.png,b.png\nc.png\nd.png,e.png,f.png,g.png\n")
    flow_source(folder)


@pytest.mark.parametrize(
    ("refused", "parts"),
    [
        (unlabelled, ["2 images without label .train/aachen/aach", ", val/aachen/aachen_0"]),
        (kitti_of_other_names, ["2 faults: x.png: not the name", "; y.png: not"]),
        (camvid_of_other_names, ["2 faults: x.png: not the name", "; y.png: not"]),
        (vistas_without_partners, ["2 faults: training: 1 files", "; validation: 1 files"]),
        (two_cameras_without_partners, ["2 faults: image_train: 1 files", "; image_val: 1"]),
        (members_at_fault, ["3 faults: .*mapillary/training", "; .*idd/.*119", "no folder citys"]),
        (a_list_of_flow, ["3 faults: ", "line 1: no file", "line 2: 1 col", "line 3: 4 col"]),
    ],
)
def test_faults_of_all_folders_are_in_one_line(
    refused: Callable[[Path], None], parts: list[str], tmp_path: Path
):
    with pytest.raises(RoadsegError, match=".*".join(parts)) as caught:
        refused(tmp_path)
    assert "\n" not in str(caught.value)


def test_pictures_of_a_split_without_any_labels_are_named(tmp_path: Path, capsys):
    root = small_cityscapes(tmp_path / "city", train=2, val=1)
    for path in root.glob("gtFine/val/*/*labelIds.png"):
        path.unlink()
    source = cityscapes_source(root)
    (left,) = source.left_out
    assert left == root / "leftImg8bit/val/aachen/aachen_000000_000019_leftImg8bit.png"
    assert cityscapes_source(root, splits=("train",)).left_out == {}
    idd = small_idd(tmp_path / "idd")
    (idd / "gtFine/val").rename(idd / "gone")
    (left,) = idd_source(idd).left_out
    assert left == idd / "leftImg8bit/val/119/000045_leftImg8bit.png"
    assert convert(root, tmp_path / "to", "--strict") == 2
    assert "picture without label: leftImg8bit/val/aachen" in capsys.readouterr().err
