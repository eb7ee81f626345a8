"""Densities to grids: equal masses, no folds, symmetries, and what is known in closed form."""

import keras
import numpy as np
import pytest

from roadseg.ops.gaussian import gaussian_matrix
from roadseg.sampling import Equidistribution, uniform_grid
from roadseg.sampling.equidistribution import (
    SHARP,
    SMOOTH,
    equidistribute,
    look_up,
    points_of,
    relative_density,
)
from roadseg.sampling.folds import smallest_corner, without_folds
from tests.support import compiled


def smooth_densities(number: int, cells: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Return random densities (number, *cells), blurred by two cells, with peaks."""
    rng = np.random.default_rng(seed)
    noise = rng.gamma(0.3, size=(number, *cells))
    rows, columns = (gaussian_matrix(side, 2.0) for side in cells)
    return (rows @ noise @ columns.T).astype(np.float32)


def cell_masses(mass: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return the mass in each cell of `grid` over the mean, by its area and 8x8 points in it."""
    grid = grid.astype(np.float64)
    corner, right = grid[:, :-1, :-1], grid[:, :-1, 1:]
    below, across = grid[:, 1:, :-1], grid[:, 1:, 1:]
    area = 0.5 * (_cross(below - corner, right - corner) + _cross(right - across, below - across))
    steps = (np.arange(8) + 0.5) / 8
    density = 0.0
    for down in steps:
        for along in steps:
            upper = corner + along * (right - corner)
            point = upper + down * (below + along * (across - below) - upper)
            density = density + np.asarray(look_up(mass, point.astype(np.float32))) / 64
    share = area * density
    return share / share.mean(axis=(1, 2), keepdims=True)


def corner_areas(grid: np.ndarray) -> np.ndarray:
    """Return twice the signed area at each of the four corners of each cell; folds are negative."""
    a, b, c, d = grid[:, :-1, :-1], grid[:, :-1, 1:], grid[:, 1:, :-1], grid[:, 1:, 1:]
    corners = (_cross(c - a, b - a), _cross(d - b, b - a), _cross(c - a, d - c))
    return np.stack([*corners, _cross(d - b, d - c)])


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


@pytest.mark.parametrize("cells", [(24, 32), (20, 39), (8, 8)])
def test_a_uniform_density_gives_the_uniform_grid_exactly(cells):
    points = points_of(cells)
    for value in (1.0, 1 / (cells[0] * cells[1]), 3e-20, 7e20):
        grid = Equidistribution()(np.full((2, *cells), value, np.float32))
        assert np.array_equal(np.asarray(grid)[1], np.asarray(uniform_grid(points)))


def test_cells_of_the_grid_hold_equal_masses_and_none_folds():
    density = smooth_densities(60, (24, 32))
    grid = np.asarray(compiled(Equidistribution(0.6))(density))
    mass = np.asarray(relative_density(density, 0.6))
    before = cell_masses(mass, np.asarray(uniform_grid((33, 45), 60)))
    after = cell_masses(mass, grid)
    assert before.max() > 2, "the densities are far from uniform"
    assert np.abs(after - 1).max() < 0.1
    assert corner_areas(grid).min() > 0


def test_sharp_densities_of_many_strengths_do_not_fold():
    rng = np.random.default_rng(1)
    spots = (rng.uniform(size=(40, 24, 32)) < 0.1).astype(np.float32)
    blur = gaussian_matrix(24, 0.5), gaussian_matrix(32, 0.5)
    spots = (blur[0] @ spots @ blur[1].T).astype(np.float32)
    for strength in (0.3, 0.6, 0.85, 0.98):
        grid = np.asarray(compiled(Equidistribution(strength, **SHARP))(spots))
        assert corner_areas(grid).min() > 0
        assert np.asarray(smallest_corner(grid)) == pytest.approx(
            corner_areas(grid).min(axis=(0, 2, 3)), rel=1e-3, abs=1e-9
        )


def test_a_separable_density_gives_the_inverse_distributions_of_its_factors():
    rows, columns = np.linspace(0.4, 1.6, 48), 1 + 0.6 * np.sin(np.linspace(0, 5, 64))
    density = (rows[:, None] * columns).astype(np.float32)[None]
    grid = np.asarray(equidistribute(density / density.mean(), (33, 45), 20, 0.45))[0]
    for factor, found, other in ((rows, grid[..., 0], 1), (columns, grid[..., 1], 0)):
        edges = np.linspace(0, 1, len(factor) + 1)
        distribution = np.concatenate([[0], np.cumsum(factor)]) / factor.sum()
        points = found.shape[1 - other]
        wanted = np.interp(np.linspace(0, 1, points), distribution, edges)
        wanted = wanted[:, None] if other else wanted[None]
        assert np.abs(found - wanted).max() < 0.02


def test_transposed_and_mirrored_densities_give_transposed_and_mirrored_grids():
    density = smooth_densities(3, (24, 32), seed=2)
    layer = compiled(Equidistribution())
    grid = np.asarray(layer(density))
    turned = np.asarray(layer(np.ascontiguousarray(density.transpose(0, 2, 1))))
    np.testing.assert_allclose(turned.transpose(0, 2, 1, 3)[..., ::-1], grid, atol=2e-5)
    mirrored = np.asarray(layer(np.ascontiguousarray(density[:, :, ::-1])))[:, :, ::-1]
    np.testing.assert_allclose(mirrored[..., 0], grid[..., 0], atol=2e-5)
    np.testing.assert_allclose(1 - mirrored[..., 1], grid[..., 1], atol=2e-5)


def test_the_border_maps_to_itself_and_images_of_a_batch_do_not_mix():
    density = smooth_densities(4, (10, 16), seed=3)
    layer = Equidistribution(points=(9, 12))
    grid = np.asarray(layer(density))
    assert (grid[:, 0, :, 0] == 0).all() and (grid[:, -1, :, 0] == 1).all()
    assert (grid[:, :, 0, 1] == 0).all() and (grid[:, :, -1, 1] == 1).all()
    np.testing.assert_allclose(np.asarray(layer(density[2:3]))[0], grid[2], atol=1e-6)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf, -np.inf])
def test_a_density_without_sound_mass_gives_the_uniform_grid(value):
    grid = np.asarray(Equidistribution()(np.full((1, 12, 16), value, np.float32)))
    assert np.array_equal(grid[0], np.asarray(uniform_grid(points_of((12, 16)))))


def test_single_unsound_cells_count_as_nothing():
    density = smooth_densities(1, (12, 16), seed=4)
    density[0, 3, 4] = 0
    expected = np.asarray(Equidistribution()(density))
    for value in (np.nan, -5.0, np.inf):
        density[0, 3, 4] = value
        assert np.array_equal(np.asarray(Equidistribution()(density)), expected)


def test_samples_gather_where_the_density_is_high():
    density = np.ones((1, 24, 32), np.float32)
    density[0, 6:10, 20:26] = 12
    grid = np.asarray(Equidistribution(0.7)(density))[0].reshape(-1, 2)
    inside = (grid[:, 0] > 0.25) & (grid[:, 0] < 0.42) & (grid[:, 1] > 0.62) & (grid[:, 1] < 0.82)
    assert inside.mean() > 3 * (4 * 6) / (24 * 32)


def test_half_precision_policies_leave_the_solver_in_full_precision():
    expected = np.asarray(Equidistribution()(smooth_densities(1, (12, 16))))
    keras.config.set_dtype_policy("mixed_float16")
    try:
        layer = Equidistribution()
    finally:
        keras.config.set_dtype_policy("float32")
    grid = layer(smooth_densities(1, (12, 16)))
    assert keras.backend.standardize_dtype(grid.dtype) == "float32"
    assert np.array_equal(np.asarray(grid), expected)


def test_the_layer_is_rebuilt_from_its_config():
    layer = Equidistribution(0.7, (9, 11), 12, 0.4, 2, name="solver")
    again = Equidistribution.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    density = smooth_densities(1, (8, 10))
    assert np.array_equal(np.asarray(again(density)), np.asarray(layer(density)))
    assert layer.compute_output_shape((None, 8, 10)) == (None, 9, 11, 2)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's gradients")
def test_gradients_reach_the_density_and_agree_with_differences():
    import tensorflow as tf

    density = smooth_densities(1, (8, 10), seed=5)
    layer = Equidistribution(0.6)
    weights = np.random.default_rng(0).normal(size=(1, *points_of((8, 10)), 2))

    def value(x):
        return tf.reduce_sum(layer(x) * weights.astype(np.float32))

    x = tf.constant(density)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = value(x)
    gradient = tape.gradient(total, x).numpy()
    direction = np.random.default_rng(1).normal(size=density.shape).astype(np.float32)
    step = 1e-3 * density.mean()
    slope = float(value(x + step * direction) - value(x - step * direction)) / (2 * step)
    assert slope == pytest.approx(float((gradient * direction).sum()), rel=0.05)


@pytest.mark.parametrize(
    "options",
    [{"strength": 1.0}, {"strength": -0.1}, {"points": (1, 5)}, {"iterations": 0}, {"damping": 0}],
)
def test_values_out_of_range_are_refused(options):
    with pytest.raises(ValueError):
        Equidistribution(**options)


@pytest.mark.parametrize("solver", [SHARP, SMOOTH])
def test_a_density_in_few_places_gets_more_samples_the_stronger_it_is_followed(solver):
    """Single folded cells made the whole grid of a far pedestrian uniform, without a word."""
    density = np.zeros((3, 24, 32), np.float32)
    density[0, 10, 20] = 1
    density[1, 12:14, 6:8] = 1
    density[2, 4, 25], density[2, 20, 3] = 1, 1
    rows, columns = (gaussian_matrix(side, 0.5) for side in (24, 32))
    density = (rows @ density @ columns.T).astype(np.float32)
    shares = []
    for strength in (0.0, 0.2, 0.4, 0.6):
        grid = np.asarray(compiled(Equidistribution(strength, **solver))(density))
        assert corner_areas(grid).min() > 0
        shares.append(share_of_samples(density > density.max() / 50, grid))
    shares = np.array(shares)
    assert (np.diff(shares, axis=0) > -0.005).all(), shares
    assert (shares[-1] > 4 * shares[0]).all(), shares


def share_of_samples(mask: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return for each image the share of grid points in cells where `mask` (batch, h, w) holds."""
    sides = np.array(mask.shape[1:])
    cell = np.minimum((grid * sides).astype(int), sides - 1)
    image = np.arange(len(mask))[:, None, None]
    return mask[image, cell[..., 0], cell[..., 1]].mean(axis=(1, 2))


def test_a_step_that_would_turn_cells_over_is_halved_and_the_image_beside_is_not_disturbed():
    peak = np.zeros((1, 24, 32), np.float32)
    peak[0, 3, 4] = 1
    smooth = smooth_densities(1, (24, 32), seed=5)
    layer = Equidistribution(0.6)
    alone = np.asarray(layer.solved(smooth))
    both = np.asarray(layer.solved(np.concatenate([peak, smooth])))
    assert corner_areas(both).min() > 0
    np.testing.assert_allclose(both[1], alone[0], atol=1e-6)


def test_a_grid_that_folds_goes_as_far_as_it_can():
    uniform = np.asarray(uniform_grid((9, 12), 3)).copy()
    bent = uniform.copy()
    bent[1, 4, 5, 1] += 0.95 / 11
    bent[2, 4, 5, 1] += 1.1 / 11
    found = np.asarray(without_folds(np.concatenate([bent, bent[2:] + 2 * (bent - uniform)[2:]])))
    assert np.array_equal(found[:2], bent[:2])
    np.testing.assert_allclose(found[2], uniform[2] + 0.85 * (bent - uniform)[2], atol=1e-6)
    assert np.array_equal(found[3], uniform[0])
