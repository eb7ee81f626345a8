"""Images side by side: every result is its own image's, and no more at once than memory bears."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval import cores


class Counted:
    """Means of images, slowly; how many batches were computed, and at most at once."""

    def __init__(self) -> None:
        self.calls = self.now = self.most = 0
        self.lock = threading.Lock()

    def __call__(self, images: np.ndarray) -> list[float]:
        with self.lock:
            self.calls += 1
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.05)
        with self.lock:
            self.now -= 1
        return [float(image.mean()) for image in images]


def means(counted: Counted, size: tuple[int, int], batches: int, batch_size: int) -> list[float]:
    take = cores.side_by_side(counted)
    shape = (batch_size, *size, 3)
    given = [
        take(np.arange(batch_size).reshape(-1, 1, 1, 1) + np.full(shape, 10.0 * index))
        for index in range(batches)
    ]
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(one) for batch in given for one in batch]
        return [job.result() for job in jobs]


def test_every_image_gets_its_own_result_and_every_batch_is_computed_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cores, "usable_cpus", lambda: 3)
    monkeypatch.setattr(cores, "_has_accelerator", lambda: False)
    counted = Counted()
    found = means(counted, (4, 6), batches=5, batch_size=2)
    assert found == [10.0 * index + image for index in range(5) for image in range(2)]
    assert counted.calls == 5 and 1 < counted.most <= 3


@pytest.mark.parametrize(
    ("pixels", "accelerator", "most"), [(24, False, 2), (12, False, 1), (1e9, True, 1)]
)
def test_large_images_and_accelerators_take_fewer_at_once(
    monkeypatch: pytest.MonkeyPatch, pixels: float, accelerator: bool, most: int
) -> None:
    monkeypatch.setattr(cores, "usable_cpus", lambda: 8)
    monkeypatch.setattr(cores, "PIXELS_AT_ONCE", int(pixels) * 2)
    monkeypatch.setattr(cores, "_has_accelerator", lambda: accelerator)
    counted = Counted()
    means(counted, (4, 6), batches=6, batch_size=1)
    assert counted.calls == 6 and counted.most == most


def test_images_that_are_enlarged_count_as_what_they_become(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cores, "usable_cpus", lambda: 8)
    monkeypatch.setattr(cores, "_has_accelerator", lambda: False)
    monkeypatch.setattr(cores, "PIXELS_AT_ONCE", 8 * 16)
    counted = Counted()
    take = cores.side_by_side(counted, 2.0)
    results = [take(np.zeros((1, 4, 4, 3)))[0] for _ in range(6)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda result: result(), results))
    assert counted.most == 2


def test_an_error_comes_out_where_the_result_is_asked_for() -> None:
    def refuse(images: np.ndarray) -> list[float]:
        raise RoadsegError("no numbers")

    results = cores.side_by_side(refuse)(np.zeros((2, 4, 4, 3)))
    for result in results:
        with pytest.raises(RoadsegError, match="no numbers"):
            result()


def test_views_of_cameras_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "usable_cpus", lambda: 8)
    monkeypatch.setattr(cores, "_has_accelerator", lambda: False)
    monkeypatch.setattr(cores, "PIXELS_AT_ONCE", 2 * 2 * 4 * 4)
    counted = Counted()
    turn = cores.in_turns(lambda views: counted(views["wide"]))
    views = {name: np.zeros((1, 4, 4, 3)) for name in ("wide", "narrow")}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(turn, [views] * 6))
    assert counted.most == 2
