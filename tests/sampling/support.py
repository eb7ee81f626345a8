"""What the tests of sampling share: grids with and without folds, logits, networks."""

import keras
import numpy as np

from roadseg import sampling
from roadseg.layers.mean_locations import MeanLocations
from roadseg.sampling import NusSampler, project
from tests.support import compiled

enlarge = compiled(sampling.enlarge)


def smooth_grid(points: int, seed: int = 0, shake: float = 0.04) -> np.ndarray:
    """Return a projected grid (1, points, points, 2) that does not fold, made from 8x8 points."""
    rng = np.random.default_rng(seed)
    axis = np.linspace(0, 1, 8)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    grid = grid + rng.uniform(-shake, shake, grid.shape)
    return np.asarray(enlarge(project(grid[None].astype(np.float32)), points))


def folded_grid(points: int, seed: int = 0) -> np.ndarray:
    """Return a projected grid (1, points, points, 2) a third of whose cells are folded."""
    return smooth_grid(points, seed, shake=0.15)


def affine(grid: np.ndarray) -> np.ndarray:
    """Return a score that is affine in the position, (..., 1), within 0..1."""
    return (0.3 * grid[..., :1] + 0.6 * grid[..., 1:] + 0.1).astype(np.float32)


def every_pixel(size: tuple[int, int]) -> np.ndarray:
    """Return the location of every pixel, (1, height, width, 2), 0..1."""
    rows, columns = (np.linspace(0, 1, side) for side in size)
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)[None]


def small_nus() -> NusSampler:
    """Return a network of one layer, whose grid of 4x4 points depends on the image."""
    keras.utils.set_random_seed(2)
    image = keras.Input((16, 16, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    initializer = keras.initializers.RandomNormal(stddev=0.01)
    shifts = keras.layers.Conv2D(2, 4, strides=4, kernel_initializer=initializer)(x)
    return NusSampler(keras.Model(image, MeanLocations(dtype="float32")(shifts)))
