"""What is written for one labelled image: label map, colours, overlay with legend, samples."""

import io
import os
from collections.abc import Collection
from pathlib import Path

import numpy as np

from roadseg.drawing import labels as drawing
from roadseg.files import disk_error, write_file
from roadseg.label_tables.label_table import LabelTable

KINDS = ("labels", "colour", "overlay", "sampling")


def pictures(
    image: np.ndarray,
    labels: np.ndarray,
    points_yx01: np.ndarray | None,
    table: LabelTable,
    kinds: Collection[str],
    classes: Collection[int] | None = None,
) -> dict[str, np.ndarray]:
    """Return the pictures named by `kinds`, uint8; 'labels' is (height, width), the others RGB.

    image: (height, width, 3) uint8. labels: train ids (height, width). points_yx01: (n, 2), or None
    without sampling; 'sampling' is then left out. classes: what the legend names, default the
    classes that occur in `labels`.
    """
    made: dict[str, np.ndarray] = {}
    if "labels" in kinds:
        made["labels"] = labels.astype(np.uint8)
    if "colour" in kinds:
        made["colour"] = drawing.colourise(labels, table)
    if "overlay" in kinds:
        made["overlay"] = overlay_with_legend(image, labels, table, classes)
    if "sampling" in kinds and points_yx01 is not None:
        made["sampling"] = drawing.draw_points(image, points_yx01)
    return made


def overlay_with_legend(
    image: np.ndarray,
    labels: np.ndarray,
    table: LabelTable,
    classes: Collection[int] | None = None,
) -> np.ndarray:
    """Return `image` under its class colours, with a legend below, uint8 RGB of the same width.

    classes: train ids that the legend names, default those that occur, the largest area first.
    """
    if classes is None:
        counts = np.bincount(labels.ravel(), minlength=256)[: table.num_classes]
        # Stable: classes of equal area stay in the order of the table.
        order = np.argsort(-counts, kind="stable")
        classes = [int(index) for index in order if counts[index]]
    strip = drawing.legend(table, image.shape[1], classes)
    return np.concatenate([drawing.overlay(image, labels, table), strip])


def to_label_ids(labels: np.ndarray, table: LabelTable) -> np.ndarray:
    """Return train ids as the data set's own ids, uint8.

    Where several ids become one class, the first stands for it (none does in Cityscapes); so with
    ids that are ignored (Cityscapes 0, CamVid 11; as ESPNet's authors write their void output). A
    table without such an id keeps the ignore value. Classes that label files do not tell apart have
    the id of the rest.
    """
    ids = np.full(256, table.ignore, np.uint8)
    # Backwards, so that of several ids for a class the first stays.
    for label in reversed(table.label_ids):
        # An id of -1 is 255 in 8-bit files.
        ids[label.train_id] = label.id % 256
    if not table.label_ids:
        ids[list(table.labels)] = table.labels
    elif table.rest is not None:
        ids[list(table.rest_classes)] = ids[table.rest]
    return ids[labels]


def write_png(path: Path, picture: np.ndarray) -> None:
    """Write uint8 (height, width) or RGB (height, width, 3) to `path`, whole or not at all.

    Raises RoadsegError naming `path` where it cannot be written.
    """
    write_bytes(path, encode_png(picture))


def encode_png(picture: np.ndarray) -> bytes:
    """Return uint8 (height, width) or RGB (height, width, 3) as PNG."""
    import cv2

    # OpenCV takes colours as BGR.
    ordered = picture if picture.ndim == 2 else picture[..., ::-1]
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(ordered))
    if not done:
        raise ValueError(f"no PNG of {picture.dtype} {picture.shape}")
    return encoded.tobytes()


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step: readers see the old file or the new one."""
    make_folder(path.parent)
    write_file(path, lambda file: file.write(content))


def make_folder(folder: Path) -> None:
    """Make `folder` and those above it; raise RoadsegError where that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(folder, error) from None


def unfinished(path: Path) -> Path:
    """Return the hidden name, with the same ending, under which `path` is written first."""
    return path.with_name(f".unfinished-{os.getpid()}-{path.name}")


def jpeg(picture: np.ndarray, quality: int = 88) -> bytes:
    """Return RGB (height, width, 3) uint8 as JPEG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality, optimize=True)
    return stream.getvalue()
