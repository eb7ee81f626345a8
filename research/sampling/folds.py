"""Grids whose cells turn over: how they are told, and how they are mended."""

from keras import ops

from roadseg.sampling.grid import Tensor, project, uniform_grid

# A grid whose cells fold goes only this part of the way from the uniform one, the first that does
# not fold; none of it if all do.
PARTS = (0.85, 0.5)


def smallest_corner(grid: Tensor) -> Tensor:
    """Return the smallest corner of any cell, (batch,): twice its signed area, 0 or less if folded.

    grid: (batch, h, w, 2). Where all corners are positive, no two cells overlap.
    """
    upper_left, upper_right = grid[:, :-1, :-1], grid[:, :-1, 1:]
    lower_left, lower_right = grid[:, 1:, :-1], grid[:, 1:, 1:]
    top, bottom = upper_right - upper_left, lower_right - lower_left
    left, right = lower_left - upper_left, lower_right - upper_right
    corners = [
        down[..., 0] * along[..., 1] - down[..., 1] * along[..., 0]
        for down in (left, right)
        for along in (top, bottom)
    ]
    return ops.min(ops.stack(corners), axis=(0, 2, 3))


def without_folds(grid: Tensor) -> Tensor:
    """Return each grid (batch, h, w, 2) projected; one that folds goes part of the way: `PARTS`.

    The exact solution never folds; cells of the discrete one may where a density jumps.
    """
    uniform = uniform_grid(tuple(grid.shape[1:3]))
    chosen = ops.broadcast_to(uniform, ops.shape(grid))
    for part in (*reversed(PARTS), 1.0):
        # Exactly itself for 1, which rounding would not give.
        further = project(grid if part == 1.0 else uniform + part * (grid - uniform))
        sound = ops.reshape(smallest_corner(further) > 0, (-1, 1, 1, 1))
        chosen = ops.where(sound, further, chosen)
    return chosen
