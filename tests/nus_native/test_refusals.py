"""Messages of the native code's door that no other test raises: one line each."""

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.nus_native import boundary_targets, solve_grid
from roadseg.nus_native.arguments import grid_size


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda nearest: grid_size((1, 4)), r"grid \(1, 4\): .*; use sides of 2 or more"),
        (lambda _: boundary_targets(np.zeros((1, 5), np.uint8), (3, 3), 0.5), "label map of size"),
        (lambda nearest: solve_grid(nearest, alpha=0), "alpha 0: use a number above 0 and at mo"),
        (lambda nearest: solve_grid(nearest, solver="x"), "solver 'x' is unknown; use 'direct'"),
    ],
)
def test_the_message_is_raised_and_is_one_line(refused, message: str) -> None:
    with pytest.raises(RoadsegError, match=message) as caught:
        refused(np.full((3, 4, 2), 0.5))
    assert "\n" not in str(caught.value)
