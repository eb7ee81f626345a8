"""From a density to a sampling grid: every grid cell gets the same share of the density.

The grid is the image of a uniform one under the gradient map T = x + grad phi that carries the
uniform density to the given one at least cost (optimal transport). It solves the Monge-Ampere
equation det(I + D^2 phi) M(T) = const with d phi / d n = 0 on the border. A gradient map neither
folds nor shears, and there is one of it.
Source: Benamou, Froese, Oberman 2010 (the equation and its fixed point); Sulman, Williams, Russell
2011 (the logarithm of the residual).
"""

from numbers import Integral
from typing import Any

import keras
import numpy as np
from keras import ops

from roadseg.ops.resize import resize_bilinear
from roadseg.sampling.folds import without_folds
from roadseg.sampling.grid import Size, Tensor, checked_size, number, uniform_grid

# A cell never counts as smaller than this share of its size, so that its logarithm exists.
LEAST_DETERMINANT = 0.01
# No place is sampled more than this many times as densely as the image on average: cells much
# smaller than that cannot be solved for. Boundaries of all classes ask for a dozen at most; a
# single far pedestrian would get half of all samples.
MOST = 20.0
SMOOTH: dict[str, Any] = {"iterations": 10, "damping": 0.45}
"""For predicted densities, which are smooth."""
SHARP: dict[str, Any] = {"iterations": 20, "damping": 0.3}
"""For densities made of true labels, whose peaks need smaller steps."""


def points_of(cells: tuple[int, int]) -> tuple[int, int]:
    """Return how many grid points a density of `cells` is solved on, (rows, columns).

    A third more than cells, so that one cell can pull several points; odd, so that one lies in the
    middle. 24x32 cells give 33x45 points.
    """
    rows, columns = checked_size(cells, "cells")
    return max(rows * 11 // 8, 2) | 1, max(columns * 11 // 8, 2) | 1


@keras.saving.register_keras_serializable("roadseg")
class Equidistribution(keras.layers.Layer):
    """Turns a density into a grid whose cells hold equal shares of it.

    strength: how far the grid follows the density, 0 to below 1: a share 1 - strength of the
        samples is spread evenly, so no region gets less than that share of a uniform grid. No place
        gets more than `MOST` times the average, whatever the strength.
    points: (rows, columns) of the grid that is solved for; None: `points_of` the density's cells.
    iterations, damping: of the fixed point; see SMOOTH and SHARP.
    fineness: the density is enlarged bilinearly by it first, so that its cells do not show.
    Input: (batch, rows, columns), not negative, of any sum; one without mass gives the uniform
    grid. Output: (batch, *points, 2) float32, (row, column) of 0..1, its border on the image's.
    The work is float32 under every policy. Gradients reach the density. Weights: none.
    Raises ValueError for values out of range.
    """

    def __init__(
        self,
        strength: float = 0.6,
        points: tuple[int, int] | None = None,
        iterations: int = 10,
        damping: float = 0.45,
        fineness: int = 3,
        **options: Any,
    ) -> None:
        """Keep the numbers; `options` are those of every Keras layer."""
        options["dtype"] = "float32"
        super().__init__(**options)
        self.strength = number(strength, "strength", "from 0 to below 1", 0.0)
        if self.strength >= 1:
            raise ValueError(f"strength={strength} is from 0 to below 1")
        whole = all(isinstance(count, Integral) for count in (iterations, fineness))
        if not whole or iterations < 1 or fineness < 1 or not 0 < damping <= 1:
            raise ValueError(
                f"iterations={iterations} and fineness={fineness} are whole numbers of at least "
                f"1, damping={damping} is above 0 and at most 1"
            )
        self.points = None if points is None else checked_size(points, "points")
        self.iterations, self.damping, self.fineness = int(iterations), float(damping), fineness

    def call(self, density: Tensor) -> Tensor:
        """Return the grid of each density."""
        return without_folds(self.solved(density))

    def solved(self, density: Tensor) -> Tensor:
        """Return the grid of each density as it is solved; a few cells of it may fold."""
        points = self.points or points_of(tuple(density.shape[1:3]))
        return solve(self.mass(density), points, self.iterations, self.damping)

    def mass(self, density: Tensor) -> Tensor:
        """Return what is shared equally: each density mixed with the uniform one, and enlarged.

        (batch, fineness * rows, fineness * columns), mean about 1, less where peaks are cut.
        """
        mass = relative_density(density, self.strength)
        fine = tuple(side * self.fineness for side in density.shape[1:3])
        mass = resize_bilinear(mass[..., None], fine, "half_pixel")[..., 0]
        # Twice, since the mean falls with the peaks.
        for _ in range(2):
            mass = ops.minimum(mass, MOST * ops.mean(mass, axis=(1, 2), keepdims=True))
        return mass

    def macs(self, cells: tuple[int, int]) -> int:
        """Return the multiply-adds of one density of `cells`: the products, forth and back."""
        rows, columns = self.points or points_of(cells)
        return self.iterations * 2 * rows * columns * (rows + columns)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return (batch, *points, 2)."""
        return (input_shape[0], *(self.points or points_of(tuple(input_shape[1:3]))), 2)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {
            **super().get_config(),
            "strength": self.strength,
            "points": self.points,
            "iterations": self.iterations,
            "damping": self.damping,
            "fineness": self.fineness,
        }


def relative_density(density: Tensor, strength: float) -> Tensor:
    """Return (1 - strength) + strength * density / its mean, float32 (batch, rows, columns).

    Its mean is 1. Values that are no numbers or negative count as 0; without mass it is 1.
    """
    density = ops.cast(density, "float32")
    sound = ops.isfinite(density) & (density > 0)
    density = ops.where(sound, density, ops.zeros_like(density))
    # By the largest first: the mean of values near the largest float would overflow.
    largest = ops.max(density, axis=(1, 2), keepdims=True)
    empty = largest <= 0
    # No division by 0, chosen or not: through `where` its gradient would be NaN.
    density = density / ops.where(empty, ops.ones_like(largest), largest)
    mean = ops.mean(density, axis=(1, 2), keepdims=True)
    relative = density / ops.where(empty, ops.ones_like(mean), mean)
    return ops.where(empty, ops.ones_like(relative), (1 - strength) + strength * relative)


def equidistribute(
    mass: Tensor, points: Size, iterations: int = 10, damping: float = 0.45
) -> Tensor:
    """Return the grid (batch, *points, 2) float32 whose cells hold equal shares of `mass`.

    mass: (batch, rows, columns) float32, above 0, on cells that tile the image. No cell folds.
    """
    return without_folds(solve(mass, points, iterations, damping))


def solve(mass: Tensor, points: Size, iterations: int = 10, damping: float = 0.45) -> Tensor:
    """Return what `equidistribute` does before it looks for folds.

    Of a step after which a cell would have turned over, half is tried next in its place.
    """
    points = checked_size(points, "points")
    solver = _Solver(points)
    mass = ops.cast(mass, "float32")
    batch = ops.shape(mass)[0]
    potential = ops.zeros((batch, *points), "float32")
    grid = ops.broadcast_to(solver.uniform, (batch, *points, 2))
    step = ops.full((batch, 1, 1), damping, "float32")
    # The determinant of the uniform grid is 1.
    direction = solver.inverse_laplacian(_residual(mass, grid, ops.ones_like(potential)))
    for done in range(1, iterations + 1):
        further = potential + step * direction
        moved, determinant = solver.moved(further)
        sound = ops.min(determinant, axis=(1, 2), keepdims=True) > 0
        potential = ops.where(sound, further, potential)
        grid = ops.where(sound[..., None], moved, grid)
        if done < iterations:
            step = ops.where(sound, step, step / 2)
            next_one = solver.inverse_laplacian(_residual(mass, moved, determinant))
            direction = ops.where(sound, next_one, direction)
    return grid


def _residual(mass: Tensor, grid: Tensor, determinant: Tensor) -> Tensor:
    """Return the logarithm of each cell's share, less the mean over the image."""
    residual = ops.log(ops.maximum(determinant, LEAST_DETERMINANT) * look_up(mass, grid))
    # Less a value of its own first: of a uniform density exactly nothing is left.
    residual = residual - residual[:, :1, :1]
    # Shares are to be equal, whatever they are: a constant is no error.
    return residual - ops.mean(residual, axis=(1, 2), keepdims=True)


def look_up(mass: Tensor, grid: Tensor) -> Tensor:
    """Return `mass` (batch, rows, columns) bilinearly at the points of `grid`, (batch, h, w).

    Values belong to the centres of cells; beyond the outermost centres the nearest counts.
    """
    rows, columns = mass.shape[1:3]
    last = ops.convert_to_tensor(np.array([rows - 1, columns - 1], np.float32))
    sides = ops.convert_to_tensor(np.array([rows, columns], np.float32))
    place = ops.clip(grid * sides - 0.5, 0.0, last)
    # At most the last but one, so that there is a neighbour to blend with.
    first = ops.minimum(ops.floor(ops.stop_gradient(place)), last - 1)
    weight = place - first
    image = ops.reshape(ops.arange(ops.shape(mass)[0], dtype="int32"), (-1, 1, 1))
    corner = ops.cast(first, "int32")
    corner = (image * rows + corner[..., 0]) * columns + corner[..., 1]
    flat = ops.reshape(mass, (-1,))
    upper = _blend(ops.take(flat, corner), ops.take(flat, corner + 1), weight[..., 1])
    corner = corner + columns
    lower = _blend(ops.take(flat, corner), ops.take(flat, corner + 1), weight[..., 1])
    return _blend(upper, lower, weight[..., 0])


def _blend(start: Tensor, end: Tensor, weight: Tensor) -> Tensor:
    return start + weight * (end - start)


class _Solver:
    """Differences and the inverse Laplacian on a grid of points, with reflected borders."""

    def __init__(self, points: tuple[int, int]) -> None:
        self.uniform = uniform_grid(points)
        self.spacing = [1 / (side - 1) for side in points]
        matrices = [_cosine_matrices(side) for side in points]
        forward, backward, values = zip(*matrices, strict=True)
        # Rows are multiplied from the left, columns from the right.
        self.forward = _constant(forward[0]), _constant(forward[1].T)
        self.backward = _constant(backward[0]), _constant(backward[1].T)
        total = values[0][:, None] / self.spacing[0] ** 2 + values[1] / self.spacing[1] ** 2
        # A constant has no Laplacian; it stays as it is.
        total[0, 0] = np.inf
        self.inverse = _constant(1 / total)

    def moved(self, potential: Tensor) -> tuple[Tensor, Tensor]:
        """Return T, (batch, *points, 2), and the determinant of its derivative."""
        h, w = self.spacing
        # Reflected about the border points, the slope across the border is 0.
        padded = ops.pad(potential, ((0, 0), (1, 1), (1, 1)), mode="reflect")
        above, below = padded[:, :-2, 1:-1], padded[:, 2:, 1:-1]
        left, right = padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]
        gradient = ops.stack([(below - above) / (2 * h), (right - left) / (2 * w)], axis=-1)
        rows = 1 + (below - 2 * potential + above) / h**2
        columns = 1 + (right - 2 * potential + left) / w**2
        mixed = padded[:, 2:, 2:] - padded[:, 2:, :-2] - padded[:, :-2, 2:] + padded[:, :-2, :-2]
        mixed = mixed / (4 * h * w)
        return self.uniform + gradient, rows * columns - mixed**2

    def inverse_laplacian(self, residual: Tensor) -> Tensor:
        """Return the solution of -Laplace(x) = residual without normal derivative, mean 0."""
        # Rounding on a GPU (TF32) only slows the fixed point a little; it does not move it.
        spectrum = ops.matmul(ops.matmul(self.forward[0], residual), self.forward[1])
        spectrum = spectrum * self.inverse
        return ops.matmul(ops.matmul(self.backward[0], spectrum), self.backward[1])


def _cosine_matrices(points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the DCT-I that diagonalises second differences with reflected ends.

    Three things: values to coefficients, coefficients to values, eigenvalues of (-1, 2, -1).
    """
    angle = np.pi * np.arange(points) / (points - 1)
    backward = np.cos(np.outer(angle, np.arange(points)))
    # Inverted once, in double precision: these cosines are not orthogonal as they stand.
    return np.linalg.inv(backward), backward, 2 - 2 * np.cos(angle)


def _constant(values: np.ndarray) -> Tensor:
    return ops.convert_to_tensor(values.astype(np.float32))
