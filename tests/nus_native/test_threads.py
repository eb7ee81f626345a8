import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from roadseg import nus_native


def noise(batch: int, size: tuple[int, int] = (512, 512)) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 19, (batch, *size), np.uint8)


def long_targets() -> None:
    nus_native.boundary_targets(noise(40), (128, 128), threads=1)


def long_interpolation() -> None:
    scores = np.random.default_rng(1).normal(size=(64, 64, 64)).astype(np.float32)
    nus_native.interpolate(scores, nus_native.uniform_grid((64, 64)), (1500, 2000), argmax=True)


def test_a_batch_on_many_threads_equals_one_thread() -> None:
    maps = noise(7, (60, 90))
    for threads in (1, 2, 16, None):
        np.testing.assert_array_equal(
            nus_native.boundary_targets(maps, (9, 7), threads=threads),
            nus_native.boundary_targets(maps, (9, 7), threads=1),
        )


@pytest.mark.parametrize("argmax", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
def test_an_image_cut_into_bands_equals_the_whole(argmax: bool, batch: int) -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(batch, 8, 8, 5)).astype(np.float32)
    grid = rng.random((batch, 8, 8, 2))  # folded, with holes
    whole = nus_native.interpolate(scores, grid, (53, 61), argmax, threads=1)
    for threads in (2, 5, 100):
        cut = nus_native.interpolate(scores, grid, (53, 61), argmax, threads=threads)
        np.testing.assert_array_equal(cut, whole)


@pytest.mark.parametrize("work", [long_targets, long_interpolation])
def test_other_python_code_runs_meanwhile(work: Callable[[], None]) -> None:
    worker = threading.Thread(target=work)
    ticks = 0
    worker.start()
    while worker.is_alive():
        time.sleep(0.001)
        ticks += 1
    assert ticks > 5


def test_calls_of_many_sizes_at_once_give_what_they_give_alone() -> None:
    """More sizes than the solver remembers, asked for by several threads at a time."""
    sides = [(2 + k % 9, 2 + k // 3) for k in range(45)] * 3
    rng = np.random.default_rng(3)
    nearest = {pair: rng.random((*pair, 2)) for pair in sides}
    alone = {pair: nus_native.solve_grid(nearest[pair]) for pair in sides}
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda pair: nus_native.solve_grid(nearest[pair]), sides))
    for pair, grid in zip(sides, together, strict=True):
        np.testing.assert_array_equal(grid, alone[pair])
