"""Pictures of examples: each image beside its label, with the sampling target drawn over both."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from roadseg.drawing import labels as drawing
from roadseg.label_tables import LabelTable

_SIDE_PX = 800  # width of each half of a preview


def example_preview(
    example: dict[str, Any],
    table: LabelTable,
    grid: tuple[int, int] = (8, 8),
    alpha: float = 0.5,
    target_classes: Sequence[int] | None = None,
) -> np.ndarray:
    """Return the picture of a decoded example, of both cameras and their flow where there are.

    Returns uint8 (rows, 2 * _SIDE_PX, 3).
    """
    arguments = (table, grid, alpha, target_classes)
    rows = [preview(example["image"], example["label"], *arguments)]
    if "second_image" in example:
        rows.append(preview(example["second_image"], example["second_label"], *arguments))
    if "flow_xy_px" in example:
        rows.append(_flow(example["flow_xy_px"]))
    return np.concatenate(rows)


def preview(
    image: np.ndarray,
    label: np.ndarray,
    table: LabelTable,
    grid: tuple[int, int] = (8, 8),
    alpha: float = 0.5,
    target_classes: Sequence[int] | None = None,
) -> np.ndarray:
    """Return image and coloured label side by side, both with the target grid, over a legend.

    image: (H, W, 3) uint8. label: (H, W) uint8. Returns uint8 (rows, 2 * _SIDE_PX, 3).
    """
    import cv2

    from roadseg.nus_native import boundary_targets

    targets = boundary_targets(label, grid, alpha, target_classes or None, table.ignore)
    size = (_SIDE_PX, max(1, round(_SIDE_PX * label.shape[0] / label.shape[1])))
    kind = cv2.INTER_AREA if label.shape[1] > _SIDE_PX else cv2.INTER_LINEAR
    sides = [cv2.resize(image, size, interpolation=kind)]
    # Picked, not blended: between the numbers of two classes lies another class.
    sides.append(drawing.colourise(cv2.resize(label, size, interpolation=cv2.INTER_NEAREST), table))
    drawn = [
        drawing.draw_points(drawing.draw_mesh(side, targets), targets, radius_px=4)
        for side in sides
    ]
    pair = np.concatenate(drawn, 1)
    present = [index for index in range(table.num_classes) if (label == index).any()]
    return np.concatenate([pair, drawing.legend(table, pair.shape[1], present)])


def _flow(flow_xy_px: np.ndarray) -> np.ndarray:
    """Return a flow in colours beside the key to them, uint8 (rows, 2 * _SIDE_PX, 3)."""
    import cv2

    from roadseg.drawing.flow import colourise_flow, flow_key

    height, width = flow_xy_px.shape[:2]
    size = (_SIDE_PX, max(1, round(_SIDE_PX * height / width)))
    colours = cv2.resize(colourise_flow(flow_xy_px), size, interpolation=cv2.INTER_NEAREST)
    key = flow_key(min(size))
    beside = np.full((size[1], _SIDE_PX, 3), 255, np.uint8)
    beside[: key.shape[0], : key.shape[1]] = key
    return np.concatenate([colours, beside], 1)
