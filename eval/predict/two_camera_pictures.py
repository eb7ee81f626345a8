"""What is drawn of two cameras' views: labels of each, the flow, and what they give each other."""

from collections.abc import Collection

import numpy as np

from roadseg.drawing import labels as drawing
from roadseg.drawing.flow import colourise_flow
from roadseg.drawing.pictures import pictures
from roadseg.inference.images import resize_image
from roadseg.label_tables.label_table import LabelTable

KINDS = ("labels", "colour", "overlay", "flow", "sharing")
OF_ONE_VIEW = ("labels", "colour", "overlay")
TILE_WIDTH_PX = 640
CAPTIONS = {
    "wide": "wide view",
    "narrow": "narrow view",
    "flow": "flow, wide to narrow",
    "wide_in_narrow": "wide logits in the narrow view",
    "fused_narrow": "narrow logits, fused",
    "fused_wide": "wide logits, fused",
}


def view_pictures(
    image: np.ndarray, labels: np.ndarray, table: LabelTable, kinds: Collection[str]
) -> dict[str, np.ndarray]:
    """Return the pictures of one view that `kinds` name; see `drawing.pictures`."""
    wanted = [kind for kind in kinds if kind in OF_ONE_VIEW]
    return pictures(image, labels, None, table, wanted)


def logits_picture(logits: np.ndarray, table: LabelTable) -> np.ndarray:
    """Return (height, width, 3) uint8: the class colours, mixed by how probable each class is.

    logits: (height, width, classes), unnormalised.
    """
    chances = np.exp(logits - logits.max(axis=-1, keepdims=True))
    chances /= chances.sum(axis=-1, keepdims=True)
    colours = np.asarray(table.colours, np.float32)
    return np.rint(chances @ colours).astype(np.uint8)


def sharing_picture(
    images: dict[str, np.ndarray],
    labels: dict[str, np.ndarray],
    parts: dict[str, np.ndarray],
    table: LabelTable,
) -> np.ndarray:
    """Return one picture: both cameras labelled and the flow above, logits on their way below.

    images, labels: by view, at one size. parts: "flow", "wide_in_narrow", "fused_narrow" and
    "fused_wide" of one pair, (height, width, channels) each; without them the views stand alone.
    """
    tiles = {view: drawing.overlay(images[view], labels[view], table) for view in images}
    if parts:
        tiles["flow"] = colourise_flow(parts["flow"])
        for name in ("wide_in_narrow", "fused_narrow", "fused_wide"):
            tiles[name] = logits_picture(parts[name], table)
    height, width = images["wide"].shape[:2]
    size = round(TILE_WIDTH_PX * height / width), TILE_WIDTH_PX
    shown = [
        np.concatenate([drawing.caption(caption, TILE_WIDTH_PX), resize_image(tiles[name], size)])
        for name, caption in CAPTIONS.items()
        if name in tiles
    ]
    rows = [np.concatenate(shown[i : i + 3], axis=1) for i in range(0, len(shown), 3)]
    board = np.concatenate(rows)
    return np.concatenate([board, drawing.legend(table, board.shape[1])])
