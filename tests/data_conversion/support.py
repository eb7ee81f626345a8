"""Small data sets for the tests of data conversion."""

from pathlib import Path

import cv2
import numpy as np

IDS = (7, 8, 11, 21, 23, 24, 26, 0, 17)  # Cityscapes label ids that the small set uses


def write_png(path: Path, pixels: np.ndarray) -> Path:
    """Write RGB or single-channel uint8 pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    return path


def picture(seed: int, size: tuple[int, int] = (24, 40)) -> np.ndarray:
    """Return a random RGB image."""
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


def id_map(seed: int, size: tuple[int, int] = (24, 40)) -> np.ndarray:
    """Return blocks of Cityscapes label ids."""
    cells = np.random.default_rng(seed).choice(IDS, (size[0] // 8, size[1] // 8))
    return np.kron(cells, np.ones((8, 8))).astype(np.uint8)


def small_cityscapes(root: Path, train: int = 3, val: int = 1) -> Path:
    """Write a Cityscapes folder with label ids and train ids, and return it."""
    from roadseg import label_tables

    mapping = label_tables.get("cityscapes").id_to_train
    for split, count in (("train", train), ("val", val)):
        for index in range(count):
            city = ("aachen", "bonn")[index % 2]
            name = f"{city}_{index:06d}_000019"
            write_png(
                root / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png", picture(index)
            )
            labels = id_map(index)
            folder = root / "gtFine" / split / city
            write_png(folder / f"{name}_gtFine_labelIds.png", labels)
            train_ids = np.vectorize(mapping.__getitem__)(labels).astype(np.uint8)
            write_png(folder / f"{name}_gtFine_labelTrainIds.png", train_ids)
    return root


def first_label(root: Path) -> Path:
    """Return the first label file of the split train."""
    return sorted((root / "gtFine" / "train").glob("*/*labelIds.png"))[0]


def first_image(root: Path) -> Path:
    """Return the first image of the split train."""
    return sorted((root / "leftImg8bit" / "train").glob("*/*.png"))[0]
