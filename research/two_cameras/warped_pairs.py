"""Pairs of images whose flow is known, from single frames: a homography and parallax between them.

The second image of a pair is the frame itself; the first shows, at every pixel p, what the second
shows at p + flow(p). So the flow is exact at every pixel of the first image, none is hidden, and
nothing has to be inverted. Frames are larger than the pair by a margin, so that what moves in over
the second image's rim is real as well.
"""

import math
from typing import Any

from keras import ops

from roadseg.ops.warp import pixel_positions, sample_bilinear
from roadseg.recipe.recipe import Recipe

Tensor = Any

BOXES = 3
"""Upright things that stand nearer than the road behind them."""
_HOMOGRAPHY, _PARALLAX, _BOX = 8, 2, 5
DRAWS = _HOMOGRAPHY + _PARALLAX + BOXES * _BOX
"""How many numbers in [0, 1) make a pair."""
# Rows, as a share of the height, between which the horizon lies.
_HORIZON = (0.2, 0.6)


def frame_margin(recipe: Recipe) -> int:
    """Return how many pixels a frame reaches beyond the pair on each side; beyond, it repeats."""
    return math.ceil(max(recipe.flow.shift_px) + recipe.flow.parallax_px)


def frame_size(recipe: Recipe) -> tuple[int, int]:
    """Return (height, width) of the frames that pairs of recipe.augment.crop_size are made from."""
    margin = frame_margin(recipe)
    return recipe.augment.crop_size[0] + 2 * margin, recipe.augment.crop_size[1] + 2 * margin


def warped_pairs(frames: Tensor, draws: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor, Tensor]:
    """Return the first and the second images and the flow between them, in pixels, channels (x, y).

    frames: (batch, *frame_size, 3), 0..255. draws: (batch, DRAWS) in [0, 1).
    Returned: (batch, *crop_size, 3) twice and (batch, *crop_size, 2), float32.
    """
    height, width = recipe.augment.crop_size
    margin = frame_margin(recipe)
    frames, draws = ops.cast(frames, "float32"), ops.cast(draws, "float32")
    second = frames[:, margin : margin + height, margin : margin + width]
    points = pixel_positions(second)
    flow_yx_px = homography_flow(points, draws[:, :_HOMOGRAPHY], recipe)
    flow_yx_px = flow_yx_px + parallax_flow(points, draws[:, _HOMOGRAPHY:], recipe)
    first = sample_bilinear(frames, points + margin + flow_yx_px, outside="edge")
    return first, second, ops.flip(flow_yx_px, axis=-1)


def homography_flow(points_yx_px: Tensor, draws: Tensor, recipe: Recipe) -> Tensor:
    """Return where a random homography moves each point of a view, less the point, (y, x) pixels.

    points_yx_px: (1, height, width, 2). draws: (batch, 8) in [0, 1): the shift, up to
    recipe.flow.shift_px, and six entries, up to recipe.flow.tilt, that turn, stretch and tilt a
    view that reaches from -1 to 1 across.
    """
    height, width = recipe.augment.crop_size
    signed = 2.0 * draws - 1.0
    shift = signed[:, :2] * ops.convert_to_tensor(recipe.flow.shift_px, "float32")
    tilt = recipe.flow.tilt * signed[:, 2:, None, None]
    a, b, c, d, g, h = (tilt[:, entry] for entry in range(6))
    centre = ops.convert_to_tensor([(height - 1) / 2, (width - 1) / 2], "float32")
    half = (width - 1) / 2
    positions = (points_yx_px - centre) / half
    y, x = positions[..., 0], positions[..., 1]
    depth = 1.0 + g * y + h * x
    moved = ops.stack([(y + a * y + b * x) / depth - y, (x + c * y + d * x) / depth - x], axis=-1)
    return half * moved + shift[:, None, None, :]


def parallax_flow(points_yx_px: Tensor, draws: Tensor, recipe: Recipe) -> Tensor:
    """Return how far each point moves because the cameras stand apart, (y, x) pixels.

    points_yx_px: (1, height, width, 2). draws: (batch, 2 + 5 boxes) in [0, 1): the direction of the
    baseline, the horizon, and place, size and nearness of each box. What is nearest moves by
    recipe.flow.parallax_px.
    """
    angle = 2.0 * math.pi * draws[:, 0]
    baseline = ops.stack([ops.sin(angle), ops.cos(angle)], axis=-1)
    nearness = _nearness(points_yx_px, draws[:, 1:], recipe.augment.crop_size)
    return recipe.flow.parallax_px * nearness[..., None] * baseline[:, None, None, :]


def _nearness(points_yx_px: Tensor, draws: Tensor, size: tuple[int, int]) -> Tensor:
    """Return inverse depth, 0..1, of a road below a horizon with boxes on it: (batch, h, w)."""
    last = ops.convert_to_tensor([side - 1 for side in size], "float32")
    places = points_yx_px / last
    y, x = places[..., 0], places[..., 1]
    highest, lowest = _HORIZON
    horizon = (highest + (lowest - highest) * draws[:, 0])[:, None, None]
    nearness = ops.clip((y - horizon) / (1.0 - horizon), 0.0, 1.0)
    for number in range(BOXES):
        box = draws[:, 1 + number * _BOX : 1 + (number + 1) * _BOX, None, None]
        row, column, high, wide, near = (box[:, entry] for entry in range(_BOX))
        inside = (ops.abs(y - row) < 0.05 + 0.2 * high) & (ops.abs(x - column) < 0.05 + 0.15 * wide)
        nearness = ops.where(inside, near, nearness)
    return nearness
