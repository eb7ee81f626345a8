from collections.abc import Callable, Iterable

import numpy as np
import pytest

from roadseg import nus_native
from roadseg.errors import RoadsegError

SIZES = [(2, 2), (3, 63), (5, 64), (7, 65), (2, 129), (40, 3), (31, 200), (64, 128)]
CLASSES = {"every class": None, "some classes": (1, 4), "an absent class": (9,)}


def random_map(rng: np.random.Generator, size: tuple[int, int], dtype: type) -> np.ndarray:
    """Return blocks of random labels with some noise, and ignored pixels among them."""
    coarse = rng.integers(0, 5, (size[0] // 6 + 1, size[1] // 9 + 1))
    labels = np.kron(coarse, np.ones((6, 9), int))[: size[0], : size[1]]
    noise = rng.random(size) < rng.choice([0, 0.01, 0.5])
    labels = np.where(noise, rng.integers(0, 5, size), labels)
    labels[rng.random(size) < 0.02] = 255
    if dtype is np.int32:
        labels = np.where(labels == 3, -7, np.where(labels == 4, 4_000_000, labels))
    return labels.astype(dtype)


def slow_edge_map(labels: np.ndarray, classes: tuple[int, ...] | None, ignore: int) -> np.ndarray:
    padded = np.pad(labels.astype(np.int64), 1, mode="edge")
    around = padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]
    edges = np.any([labels != other for other in around], axis=0)
    keep = labels != ignore
    return edges & keep & (np.isin(labels, classes) if classes else True)


def asked_pixels(size: tuple[int, int], grid: tuple[int, int]) -> np.ndarray:
    axes = [np.arange(n) * (side - 1) // (n - 1) for n, side in zip(grid, size, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("classes", CLASSES.values(), ids=CLASSES)
def test_edges_and_nearest_edges_equal_a_plain_search(
    size: tuple[int, int], dtype: type, classes: tuple[int, ...] | None
) -> None:
    rng = np.random.default_rng(sum(size))
    for _ in range(4):
        labels = random_map(rng, size, dtype)
        edges = slow_edge_map(labels, classes, 255)
        np.testing.assert_array_equal(nus_native.edge_map(labels, classes), edges)
        grid = (int(rng.integers(2, 12)), int(rng.integers(2, 12)))
        nearest = nus_native.nearest_edges(labels, grid, classes)
        if not edges.any():
            np.testing.assert_array_equal(nearest, nus_native.uniform_grid(grid))
            continue
        pixels = np.rint(nearest * (np.array(size) - 1)).astype(int)
        assert edges[pixels[..., 0], pixels[..., 1]].all()
        asked = asked_pixels(size, grid)
        apart = np.square(pixels - asked).sum(-1)
        every = np.square(np.argwhere(edges) - asked[:, :, None]).sum(-1)
        np.testing.assert_array_equal(apart, every.min(-1))


@pytest.mark.parametrize("corner", [(0, 0), (0, 699), (499, 0), (499, 699)])
def test_a_single_far_pixel_draws_every_point(corner: tuple[int, int]) -> None:
    labels = np.zeros((500, 700), np.uint8)
    labels[corner] = 11
    nearest = nus_native.nearest_edges(labels, (64, 64), target_classes=[11])
    wanted = np.broadcast_to(np.array(corner) / [499, 699], (64, 64, 2))
    np.testing.assert_allclose(nearest, wanted, rtol=0, atol=1e-15)


def test_no_edge_gives_the_uniform_grid_also_inside_a_batch() -> None:
    maps = np.zeros((3, 20, 30), np.uint8)
    maps[1, 5:9, 5:9] = 1
    targets = nus_native.boundary_targets(maps, (4, 6))
    uniform = nus_native.uniform_grid((4, 6)).astype(np.float32)
    np.testing.assert_array_equal(targets[0], uniform)
    np.testing.assert_array_equal(targets[2], uniform)
    assert np.abs(targets[1] - uniform).max() > 0.05
    np.testing.assert_array_equal(targets[1], nus_native.boundary_targets(maps[1], (4, 6)))


def test_published_no_edge_asks_for_row_minus_one() -> None:
    nearest = nus_native.nearest_edges(np.zeros((21, 30), np.uint8), (3, 3), no_edge="nus")
    np.testing.assert_allclose(nearest, np.broadcast_to([-1 / 20, 0], (3, 3, 2)))


def test_published_index_loses_the_last_row_in_floating_point() -> None:
    labels = np.zeros((1000, 1000), np.uint8)
    labels[::2] = 1
    exact = nus_native.nearest_edges(labels, (16, 16))
    published = nus_native.nearest_edges(labels, (16, 16), grid_index="nus")
    assert exact[15, 0, 0] * 999 == pytest.approx(999)
    assert published[15, 0, 0] * 999 == pytest.approx(998)


def test_square_index_asks_only_the_left_of_a_wide_map() -> None:
    labels = np.random.default_rng(0).integers(0, 9, (50, 100)).astype(np.uint8)
    nearest = nus_native.nearest_edges(labels, (5, 5), grid_index="square")
    assert nearest[..., 1].max() <= 51 / 99


def test_ignored_pixels_are_no_edges_but_make_their_neighbours_edges() -> None:
    labels = np.zeros((9, 9), np.uint8)
    labels[4, 4] = 255
    edges = nus_native.edge_map(labels)
    assert not edges[4, 4] and edges[3, 4] and edges.sum() == 4
    assert nus_native.edge_map(labels, ignore=None)[4, 4]


@pytest.mark.parametrize("kind", [np.array, tuple, list, set, iter])
def test_target_classes_of_any_kind_are_alike(kind: Callable[[list[int]], Iterable[int]]) -> None:
    labels = np.random.default_rng(1).integers(0, 9, (40, 50)).astype(np.uint8)
    for classes in ([0], [1, 2]):
        np.testing.assert_array_equal(
            nus_native.boundary_targets(labels, target_classes=kind(classes)),
            nus_native.boundary_targets(labels, target_classes=classes),
        )
    every = nus_native.boundary_targets(labels)
    assert (nus_native.boundary_targets(labels, target_classes=kind([0])) != every).any()


@pytest.mark.parametrize("none", [(), [], np.array([], int)])
def test_no_target_class_at_all_is_refused_rather_than_taken_for_all(none: Iterable[int]) -> None:
    with pytest.raises(RoadsegError, match="target_classes is empty: .*; pass None for all"):
        nus_native.boundary_targets(np.zeros((9, 9), np.uint8), target_classes=none)


def test_memory_layout_and_label_type_do_not_matter() -> None:
    wide = np.random.default_rng(2).integers(0, 5, (60, 140)).astype(np.uint8)
    view = wide[::2, 10:130:3]
    plain = nus_native.boundary_targets(np.ascontiguousarray(view))
    locked = view.copy()
    locked.flags.writeable = False
    for labels in (view, locked, np.asfortranarray(view), view.astype(np.int32)):
        np.testing.assert_array_equal(nus_native.boundary_targets(labels), plain)


def test_a_grid_may_be_finer_than_the_map() -> None:
    labels = np.array([[0, 0, 1], [0, 0, 1]], np.uint8)
    targets = nus_native.boundary_targets(labels, (9, 9), 0.999, dtype=np.float64)
    assert targets.shape == (9, 9, 2) and np.isfinite(targets).all()
    assert 0 <= targets.min() and targets.max() <= 1


def test_result_has_the_asked_type() -> None:
    labels = np.eye(16, dtype=np.uint8)
    assert nus_native.boundary_targets(labels).dtype == np.float32
    assert nus_native.boundary_targets(labels, dtype=np.float64).dtype == np.float64


def test_an_empty_batch_gives_an_empty_batch() -> None:
    empty = np.zeros((0, 16, 16), np.uint8)
    assert nus_native.boundary_targets(empty, (4, 5)).shape == (0, 4, 5, 2)
    assert nus_native.edge_map(empty).shape == (0, 16, 16)
