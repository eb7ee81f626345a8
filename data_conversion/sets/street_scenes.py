"""Writes drawn street scenes in Cityscapes' folder layout; the same seed gives the same pixels.

The scenes are for trying the whole system without a download: far small people, thin poles and
occlusion are in them on purpose. A score on them says nothing about real streets.
"""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from roadseg.data_conversion.raw.image_files import encode_label
from roadseg.errors import RoadsegError
from roadseg.files import parse_json

CITIES = {"train": "lindenau", "val": "ostheim"}
SETTINGS_FILE = "street_scenes.json"
_VERSION = 1  # of the drawing: pictures of another version do not mix with these
_SMALLEST = 64

SHORTEST_FOCAL, LONGEST_FOCAL = 0.3, 3.0

Task = tuple[Path, str, int, tuple[int, int], int, float]


def write_street_scenes(
    folder: Path,
    train: int = 240,
    val: int = 60,
    size: tuple[int, int] = (512, 1024),
    seed: int = 0,
    workers: int = 1,
    focal: float = 1.0,
) -> list[Path]:
    """Draw the scenes that `folder` does not hold yet, and return the paths of all images.

    size: (height, width) in pixels, 64 or more. focal: factor on the focal length.
    Writes leftImg8bit/SPLIT/CITY/NAME_leftImg8bit.png and
    gtFine/SPLIT/CITY/NAME_gtFine_labelIds.png, each complete or not there; the label is there if
    the image is. Raises RoadsegError for a folder that holds scenes of other settings.
    """
    if min(size) < _SMALLEST or train < 0 or val < 0 or train + val == 0:
        raise RoadsegError(
            f"--train {train} --val {val} --size {size[0]} {size[1]}: at least one scene, "
            f"and sides of {_SMALLEST} or more"
        )
    if not SHORTEST_FOCAL <= focal <= LONGEST_FOCAL:
        raise RoadsegError(f"--focal {focal:g}: a factor from {SHORTEST_FOCAL} to {LONGEST_FOCAL}")
    _settle(folder, size, seed, focal)
    tasks = [
        (folder, split, index, size, seed, focal)
        for split, count in (("train", train), ("val", val))
        for index in range(count)
    ]
    missing = [task for task in tasks if not image_path(*task[:3]).is_file()]
    if missing:
        _draw_all(missing, workers)
    return [image_path(*task[:3]) for task in tasks]


def image_path(folder: Path, split: str, index: int) -> Path:
    """Return where scene `index` of a split lies; paths sort in the order of their index."""
    city = CITIES[split]
    name = f"{city}_{index // 1000:06d}_{index:06d}_leftImg8bit.png"
    return folder / "leftImg8bit" / split / city / name


def draw(
    split: str, index: int, size: tuple[int, int], seed: int, focal: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return image uint8 (H, W, 3) RGB and Cityscapes label ids uint8 (H, W) of one scene."""
    from roadseg.data_conversion.scenes.compose import draw_scene

    rng = np.random.default_rng([seed, list(CITIES).index(split), index])
    return draw_scene(size, rng, focal)


def _settle(folder: Path, size: tuple[int, int], seed: int, focal: float) -> None:
    """Note the settings in the folder, or refuse a folder that has other ones."""
    settings = {"version": _VERSION, "size": list(size), "seed": seed}
    if focal != 1.0:
        settings["focal"] = focal
    path = folder / SETTINGS_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            found = parse_json(path.read_bytes())
            if found != settings:
                raise RoadsegError(
                    f"{path}: scenes of other settings are here ({found}, wanted {settings}); "
                    "choose another folder or remove this one"
                )
        elif any(folder.iterdir()):
            raise RoadsegError(f"{folder}: not empty, and not of street scenes; choose another")
        else:
            _write(path, json.dumps(settings).encode())
    except RoadsegError:
        raise
    except (OSError, ValueError) as error:
        raise RoadsegError(f"{folder}: cannot keep scenes here ({error}); choose another") from None


def _draw_all(tasks: Sequence[Task], workers: int) -> None:
    from roadseg.data_conversion.progress import progress

    with progress("drawing street scenes", len(tasks)) as advance:
        if workers == 1:
            for task in tasks:
                _draw_and_write(task)
                advance()
            return
        # Fresh processes: a fork of one that runs TensorFlow can hang.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            for _ in pool.map(_draw_and_write, tasks, chunksize=4):
                advance()


def _draw_and_write(task: Task) -> None:
    import cv2

    cv2.setNumThreads(1)
    folder, split, index, size, seed, focal = task
    image, labels = draw(split, index, size, seed, focal)
    path = image_path(folder, split, index)
    name = path.name.replace("_leftImg8bit.png", "_gtFine_labelIds.png")
    label_path = folder / "gtFine" / split / path.parent.name / name
    encoded = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])[1]
    try:
        _write(label_path, encode_label(labels))
        _write(path, encoded.tobytes())
    except OSError as error:
        raise RoadsegError(
            f"{folder}: cannot write ({error.strerror}); make room, finished scenes are kept"
        ) from None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(content)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
