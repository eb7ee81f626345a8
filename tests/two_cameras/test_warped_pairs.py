"""Made pairs: the flow that comes with them is the one between them."""

from typing import Any

import numpy as np
import pytest
from keras import ops

from roadseg.ops.warp import pixel_positions, sample_bilinear
from roadseg.recipe.recipe import Recipe
from roadseg.two_cameras import warped_pairs

PAIRS = 3
DRAWS = np.random.default_rng(0).random((PAIRS, warped_pairs.DRAWS)).astype(np.float32)


def recipe(**changes: Any) -> Recipe:
    values: dict[str, Any] = {"crop_size": (40, 64), "flow_shift_px": (5.0, 9.0)}
    values |= {"flow_tilt": 0.05, "flow_parallax_px": 4.0}
    return Recipe("tiny", "flow", "made for tests", **{**values, **changes})


def made(chosen: Recipe) -> list[np.ndarray]:
    """Return the pairs of frames so smooth that bilinear look-ups lose nothing that matters."""
    height, width = warped_pairs.frame_size(chosen)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(y / 9 + 2 * k) + np.cos(x / 11 + k) for k in range(3 * PAIRS)]
    frames = 127 + 60 * np.stack(waves).reshape(PAIRS, 3, height, width).transpose(0, 2, 3, 1)
    pairs = warped_pairs.warped_pairs(frames.astype(np.float32), DRAWS, chosen)
    return [ops.convert_to_numpy(part) for part in pairs]


def test_the_second_image_read_along_the_flow_is_the_first() -> None:
    first, second, flow = made(recipe())
    points = ops.convert_to_numpy(pixel_positions(second)) + flow[..., ::-1]
    found = ops.convert_to_numpy(sample_bilinear(second, points))
    inside = np.all((points >= 1) & (points <= (38, 62)), axis=-1)
    assert inside.mean() > 0.5
    np.testing.assert_allclose(found[inside], first[inside], atol=0.5)


def test_a_flow_of_nothing_but_a_shift_is_the_same_everywhere() -> None:
    _, _, flow = made(recipe(flow_tilt=0.0, flow_parallax_px=0.0))
    np.testing.assert_allclose(flow, np.broadcast_to(flow[:, :1, :1], flow.shape), atol=1e-4)
    assert np.all(np.abs(flow) <= (9.0, 5.0)) and np.unique(flow[:, 0, 0, 0]).size == PAIRS


def test_a_homography_moves_straight_lines_to_straight_lines() -> None:
    chosen = recipe(flow_parallax_px=0.0)
    for flow in made(chosen)[2]:
        row = np.arange(64)[:, None] * (1, 0) + (0, 11) + flow[11]
        across = row - row.mean(axis=0)
        singular = np.linalg.svd(across, compute_uv=False)
        assert singular[1] < 1e-4 * singular[0]


def test_parallax_moves_what_is_near_along_one_line() -> None:
    for flow in made(recipe(flow_shift_px=(0.0, 0.0), flow_tilt=0.0))[2]:
        singular = np.linalg.svd(flow.reshape(-1, 2), compute_uv=False)
        assert singular[1] < 1e-3 * singular[0]
        assert np.hypot(*flow[-1].T).max() == pytest.approx(4.0, rel=1e-3)
