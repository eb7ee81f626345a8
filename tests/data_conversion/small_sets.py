"""Small folders in the published layouts of BDD100K, IDD, KITTI and Mapillary Vistas."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.data_conversion.support import id_map, picture, write_png

SIZE = (24, 40)


def write_jpeg(path: Path, pixels: np.ndarray) -> Path:
    """Write RGB pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels[..., ::-1])
    return path


def write_palette(path: Path, values: np.ndarray) -> Path:
    """Write label values as a palette PNG, which Vistas has."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values, "P")
    image.putpalette([number % 256 for number in range(768)])
    image.save(path)
    return path


def all_ids(*ids: int) -> np.ndarray:
    """Return a label map that begins with each of `ids` and repeats them."""
    return np.resize(np.array(ids, np.uint8), SIZE)


def small_bdd(root: Path, train: int = 2, val: int = 1) -> Path:
    """Write images/SPLIT/NAME.jpg and labels/SPLIT/NAME_train_id.png; every id in each label."""
    for split, count in (("train", train), ("val", val)):
        for number in range(count):
            name = f"{number:04x}b6c7-7dcc75e2"
            write_jpeg(root / "images" / split / f"{name}.jpg", picture(number, SIZE))
            labels = all_ids(*range(19), 255)
            write_png(root / "labels" / split / f"{name}_train_id.png", labels)
    return root


def small_idd(root: Path, labels: str = "ids") -> Path:
    """Write leftImg8bit and gtFine, two drives in train with one frame name and one in val.

    labels: 'ids' for label maps with all 40 ids, 'polygons' for outlines.
    """
    for split, drive in (("train", "0"), ("train", "208"), ("val", "119")):
        image = root / "leftImg8bit" / split / drive / "000045_leftImg8bit.png"
        write_png(image, picture(int(drive), SIZE))
        folder = root / "gtFine" / split / drive
        if labels == "ids":
            write_png(folder / "000045_gtFine_labelids.png", all_ids(*range(40)))
        else:
            write_outlines(folder / "000045_gtFine_polygons.json", ROAD_AND_SKY)
    return root


ROAD_AND_SKY: list[dict[str, Any]] = [
    {"label": "sky", "deleted": 0, "polygon": [[0, 0], [39, 0], [39, 11], [0, 11]]},
    {"label": "road", "deleted": 0, "polygon": [[0.0, 12.0], [39.0, 12.0], [39, 23], [0, 23]]},
    {"label": "cargroup", "polygon": [[10, 10], [19, 10], [19, 14], [10, 14]]},
    {"label": "person", "deleted": 1, "polygon": [[0, 0], [39, 0], [39, 23], [0, 23]]},
]


def write_outlines(path: Path, objects: list[dict[str, Any]], **changes: Any) -> Path:
    """Write an annotation of a picture of SIZE, in the form of Cityscapes and IDD."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {"imgHeight": SIZE[0], "imgWidth": SIZE[1], "objects": objects, **changes}
    path.write_text(json.dumps(values))
    return path


def small_kitti(root: Path, numbers: tuple[int, ...] = (0, 1, 2, 3)) -> Path:
    """Write training/image_2, training/semantic (Cityscapes' ids) and testing/image_2."""
    for number in numbers:
        name = f"{number:06d}_10.png"
        write_png(root / "training" / "image_2" / name, picture(number, SIZE))
        write_png(root / "training" / "semantic" / name, id_map(number, SIZE))
    write_png(root / "testing" / "image_2" / "000000_10.png", picture(9, SIZE))
    return root


def small_vistas(root: Path, train: int = 2, val: int = 1) -> Path:
    """Write training|validation with images and labels (all 66 ids), without config.json."""
    for folder, count in (("training", train), ("validation", val)):
        for number in range(count):
            write_jpeg(root / folder / "images" / f"v{number}.jpg", picture(number, SIZE))
            write_palette(root / folder / "labels" / f"v{number}.png", all_ids(*range(66)))
    return root
