"""Un-sampling: exact where it can be, bounded where grids fold, differentiable, any size."""

import keras
import numpy as np
import pytest
from keras import ops
from matplotlib.tri import LinearTriInterpolator, Triangulation

from roadseg import sampling
from roadseg.sampling import uniform_grid
from tests.sampling.support import affine, every_pixel, folded_grid, smooth_grid
from tests.support import compiled

unsample = compiled(sampling.unsample)
METHODS = ("two_pass", "mesh")
tensorflow_only = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a TensorFlow graph"
)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [(61, 83), (128, 96), (12, 300)])
def test_affine_logits_come_back_exactly_where_nothing_folds(method, size):
    grid = smooth_grid(24)
    found = np.asarray(unsample(affine(grid), grid, size, method=method))
    np.testing.assert_allclose(found, affine(every_pixel(size)), atol=1e-6)


def test_two_passes_bring_affine_logits_back_exactly_where_the_grid_folds():
    grid, size = folded_grid(24), (128, 200)
    found = np.asarray(unsample(affine(grid), grid, size))
    np.testing.assert_allclose(found, affine(every_pixel(size)), atol=2e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_folded_grids_give_finite_logits_within_the_range_of_the_samples(method, seed):
    grid = np.random.default_rng(seed).uniform(-0.3, 1.3, (2, 9, 11, 2)).astype(np.float32)
    grid[:, 3] = grid[:, 4]
    logits = noise(2, 9, 11, 3, seed=seed)
    found = np.asarray(unsample(logits, grid, (40, 50), method=method))
    assert np.isfinite(found).all()
    assert found.max() <= logits.max() + 1e-5 and found.min() >= logits.min() - 1e-5


@pytest.mark.parametrize("method", METHODS)
def test_grid_of_a_single_place_stays_bounded(method):
    logits = noise(1, 5, 5, 2)
    found = np.asarray(unsample(logits, np.full((1, 5, 5, 2), 0.5), (20, 20), method=method))
    assert np.isfinite(found).all() and np.abs(found).max() <= np.abs(logits).max() + 1e-6


def test_mesh_equals_interpolation_on_its_triangles():
    grid, size, logits = smooth_grid(16), (70, 90), noise(1, 16, 16, 2)
    rows, columns = np.meshgrid(np.arange(15), np.arange(15), indexing="ij")
    corner = (rows * 16 + columns).ravel()
    upper = np.stack([corner, corner + 1, corner + 16], axis=-1)
    lower = np.stack([corner + 1, corner + 17, corner + 16], axis=-1)
    place = (grid[0].astype(np.float64) * [69, 89]).reshape(-1, 2)
    mesh = Triangulation(place[:, 1], place[:, 0], np.concatenate([upper, lower]))
    y, x = np.mgrid[0:70, 0:90]
    found = np.asarray(unsample(logits, grid, size, method="mesh"))[0]
    for channel in range(2):
        expected = LinearTriInterpolator(mesh, logits[0, ..., channel].ravel())(x, y)
        inside = ~np.ma.getmaskarray(expected)
        assert inside.mean() > 0.99
        np.testing.assert_allclose(found[..., channel][inside], expected[inside], atol=2e-4)


def test_uniform_grid_gives_bilinear_interpolation():
    logits = noise(1, 5, 7, 2)
    found = np.asarray(unsample(logits, uniform_grid((5, 7)), (9, 13)))
    np.testing.assert_allclose(found[:, ::2, ::2], logits, atol=1e-5)
    middle = (logits[:, :, 1:] + logits[:, :, :-1]) / 2
    np.testing.assert_allclose(found[:, ::2, 1::2], middle, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_labels_are_the_best_class_of_the_logits(method):
    grid = np.concatenate([smooth_grid(20, 1), folded_grid(20, 2)])
    logits = np.repeat(np.repeat(noise(2, 5, 5, 6), 4, axis=1), 4, axis=2)
    full = np.asarray(unsample(logits, grid, (75, 101), method=method))
    for skip in (True, False):
        labels = np.asarray(unsample(logits, grid, (75, 101), True, method, skip))
        assert labels.dtype == np.int32
        best = np.sort(full, axis=-1)
        certain = best[..., -1] - best[..., -2] > 1e-5
        assert certain.mean() > 0.95
        assert np.array_equal(labels[certain], full.argmax(-1)[certain])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("kind", ["smooth", "folded", "random", "one place", "coarse"])
def test_the_portable_form_gives_exactly_the_labels_of_the_usual_one(kind, skip, method):
    rng = np.random.default_rng(5)
    grid = {
        "smooth": smooth_grid(24),
        "folded": folded_grid(24),
        "random": rng.uniform(-0.3, 1.3, (1, 24, 24, 2)).astype(np.float32),
        "one place": np.full((1, 24, 24, 2), 0.5, np.float32),
        # Several starts on one pixel.
        "coarse": np.round(smooth_grid(24) * 8) / np.float32(8),
    }[kind]
    grid = np.concatenate([grid, grid[:, ::-1]])
    logits = noise(2, 24, 24, 5, seed=6)
    for size in ((61, 83), (7, 90)):
        usual = unsample(logits, grid, size, argmax=True, method=method, skip=skip)
        portable = unsample(
            logits, grid, size, argmax=True, method=method, skip=skip, portable=True
        )
        assert len(np.unique(usual)) > 1
        np.testing.assert_array_equal(portable, usual)
    usual = unsample(logits, grid, (61, 83), method=method)
    portable = unsample(logits, grid, (61, 83), method=method, portable=True)
    np.testing.assert_array_equal(portable, usual)


def test_the_portable_form_takes_grids_of_two_points():
    grid, logits = uniform_grid(2, 1), noise(1, 2, 2, 3)
    found = unsample(logits, grid, (9, 11), portable=True)
    np.testing.assert_array_equal(found, unsample(logits, grid, (9, 11)))


def test_logits_of_one_class_give_it_everywhere():
    logits = np.zeros((1, 6, 6, 3), np.float32)
    logits[..., 2] = 1
    assert np.all(np.asarray(unsample(logits, uniform_grid(6), (30, 40), argmax=True)) == 2)


def test_images_of_a_batch_do_not_mix():
    grids = np.concatenate([smooth_grid(12, seed) for seed in range(3)])
    logits = noise(3, 12, 12, 4)
    for method in METHODS:
        together = np.asarray(unsample(logits, grids, (33, 47), method=method))
        for b in range(3):
            alone = unsample(logits[b : b + 1], grids[b], (33, 47), method=method)
            np.testing.assert_allclose(together[b : b + 1], np.asarray(alone), atol=1e-6)


def test_image_of_one_pixel_row_or_column_is_covered():
    for size in ((1, 1), (1, 30), (30, 1)):
        found = np.asarray(unsample(noise(1, 4, 4, 2), uniform_grid(4), size))
        assert found.shape == (1, *size, 2) and np.isfinite(found).all()


def test_half_precision_logits_are_interpolated_in_full_precision():
    logits = ops.cast(noise(1, 8, 8, 3), "bfloat16")
    found = unsample(logits, smooth_grid(8), (40, 60))
    expected = unsample(ops.cast(logits, "float32"), smooth_grid(8), (40, 60))
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    assert np.array_equal(np.asarray(found), np.asarray(expected))


@pytest.mark.parametrize("method", METHODS)
def test_gradients_agree_with_finite_differences(method):
    size, logits, grid = (17, 23), noise(1, 6, 6, 2), smooth_grid(6)
    weights = noise(1, *size, 2, seed=5)

    def value(logits, grid):
        return ops.sum(unsample(logits, grid, size, method=method) * weights)

    found = gradients(value, logits, grid)
    rng = np.random.default_rng(6)
    for which, array in enumerate((logits, grid)):
        direction = rng.normal(0, 1, array.shape).astype(np.float32)
        if which == 1:
            # The rim stays: off the border, logits beyond it are held and the slope jumps.
            direction[:, [0, -1]], direction[:, :, [0, -1]] = 0, 0
        step = 1e-2 if which == 0 else 3e-5
        ends = []
        for sign in (1, -1):
            moved = [logits, grid]
            moved[which] = array + sign * step * direction
            enlarged = ops.convert_to_numpy(unsample(*moved, size, method=method))
            # Summed in double precision: rounding of single sums shows in so small a step.
            ends.append(float(np.sum(enlarged * weights, dtype=np.float64)))
        expected = (ends[0] - ends[1]) / (2 * step)
        analytic = float(np.sum(found[which] * direction))
        assert analytic == pytest.approx(expected, rel=3e-2, abs=0.6)
        assert abs(analytic) > 0.01


def gradients(value, logits, grid) -> list[np.ndarray]:
    """Return the gradient of `value` to both arguments, on either backend."""
    if keras.backend.backend() == "jax":
        import jax

        return [np.asarray(g) for g in jax.grad(value, argnums=(0, 1))(logits, grid)]
    import tensorflow as tf

    inputs = [tf.constant(logits), tf.constant(grid)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        result = value(*inputs)
    return [tf.convert_to_tensor(g).numpy() for g in tape.gradient(result, inputs)]


@tensorflow_only
@pytest.mark.parametrize("method", METHODS)
def test_graph_of_unknown_batch_and_size_gives_what_the_known_one_gives(method):
    import tensorflow as tf

    spec = tf.TensorSpec
    unknown = [spec((None, 9, 9, 3)), spec((None, 9, 9, 2)), spec((2,), tf.int32)]

    @tf.function(input_signature=unknown, autograph=False)
    def graph(logits, grid, size):
        height_width = size[0], size[1]
        full = unsample(logits, grid, height_width, method=method)
        return full, unsample(logits, grid, height_width, argmax=True, method=method)

    for size in ((31, 45), (64, 20)):
        logits, grid = noise(2, 9, 9, 3), np.repeat(smooth_grid(9), 2, axis=0)
        full, labels = graph(logits, grid, np.array(size, np.int32))
        expected = np.asarray(unsample(logits, grid, size, method=method))
        np.testing.assert_allclose(full.numpy(), expected, atol=1e-5)
        assert np.mean(labels.numpy() != expected.argmax(-1)) < 1e-3


@tensorflow_only
def test_xla_gives_the_same_logits_and_labels():
    import tensorflow as tf

    logits, grid, size = noise(1, 9, 9, 3), smooth_grid(9), (31, 45)
    full = tf.function(lambda s, g: unsample(s, g, size), jit_compile=True, autograph=False)(
        logits, grid
    )
    expected = np.asarray(unsample(logits, grid, size))
    np.testing.assert_allclose(full.numpy(), expected, atol=1e-5)
    labels = tf.function(
        lambda s, g: unsample(s, g, size, argmax=True, skip=False),
        jit_compile=True,
        autograph=False,
    )(logits, grid)
    assert np.mean(labels.numpy() != expected.argmax(-1)) < 1e-3


@pytest.mark.parametrize(
    ("logits", "grid", "options", "message"),
    [
        ((1, 4, 4, 2), (1, 4, 5, 2), {}, "the same h, w"),
        ((1, 4, 4, 2), (1, 4, 4, 3), {}, "the same h, w"),
        ((4, 4, 2), (4, 4, 2), {}, "the same h, w"),
        ((1, 1, 4, 2), (1, 1, 4, 2), {}, "at least 2"),
        ((1, 4, 4, 2), (1, 4, 4, 2), {"method": "cubic"}, "method='cubic'"),
    ],
)
def test_wrong_shapes_and_methods_are_refused(logits, grid, options, message):
    with pytest.raises(ValueError, match=message):
        unsample(np.zeros(logits, np.float32), np.zeros(grid, np.float32), (9, 9), **options)


def test_the_interpolated_share_is_that_of_pixels_between_rows_of_unlike_classes():
    classes = np.zeros((2, 5, 5), int)
    classes[0, 3:] = 1  # sample rows lie at pixels 0, 10, 20, 30, 40
    logits = np.eye(2, dtype=np.float32)[classes]
    found = sampling.interpolated_share(logits, uniform_grid((5, 5)), (41, 33))
    np.testing.assert_allclose(found, [10 / 41, 0], rtol=1e-6)
