"""Films read back at their rate and upright; damaged ones are refused or read, never a crash."""

import functools
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadseg.drawing.pictures import jpeg
from roadseg.errors import RoadsegError
from roadseg.eval.predict.video import VideoSource, VideoTarget, writable_rate
from tests.data_conversion.raw.files import damage

SIZE = (24, 40)
FRAMES = 3
KEEP = settings(max_examples=25, deadline=None)
# Quarter turns of a film -> its matrix in the header, 16.16 fixed point, without offsets.
TURNS = {0: (1, 0, 0, 1), 1: (0, 1, -1, 0), 2: (-1, 0, 0, -1), 3: (0, -1, 1, 0)}


def frame(number: int) -> np.ndarray:
    """Return a smooth picture that no turn leaves as it is."""
    row, column = np.indices(SIZE)
    return np.stack([6 * column, 9 * row, np.full(SIZE, 40 * number)], -1).astype(np.uint8)


def write(path: Path, rate_hz: float = 10.0, code: str = "MJPG") -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), rate_hz, SIZE[::-1])
    assert writer.isOpened()
    for number in range(FRAMES):
        writer.write(frame(number)[..., ::-1])
    writer.release()
    return path


def frames(path: Path) -> tuple[list[np.ndarray], float]:
    """Return the pictures of a film and its rate, as the reader gives them."""
    source = VideoSource(path)
    try:
        return list(source.pictures()), source.rate_hz
    finally:
        source.close()


@functools.cache
def film(ending: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        code = {".avi": "MJPG", ".mp4": "mp4v"}[ending]
        return write(Path(folder) / f"a{ending}", code=code).read_bytes()


@KEEP
@given(
    st.one_of(st.integers(1, 240).map(float), st.floats(1, 300), st.sampled_from([29.97, 59.94]))
)
def test_a_film_keeps_its_rate_and_its_frames(rate_hz: float):
    with tempfile.TemporaryDirectory() as folder:
        target = VideoTarget(Path(folder) / "a.mp4", rate_hz)
        for number in range(FRAMES):
            target.add(frame(number))
        target.close()
        found, rate = frames(Path(folder) / "a.mp4")
    assert len(found) == FRAMES
    assert rate == pytest.approx(rate_hz, rel=1e-3)
    for number, picture in enumerate(found):
        assert np.abs(picture.astype(int) - frame(number)).mean() < 8


@given(st.floats(1e-3, 1e6))
def test_any_rate_becomes_one_that_the_codec_can_say(rate_hz: float):
    found = writable_rate(rate_hz)
    assert 1e-3 <= found <= 65_535
    if 1 <= rate_hz <= 65_000:
        assert found == pytest.approx(rate_hz, rel=1e-3)


def zeroed(content: bytes, *places: tuple[bytes, int]) -> bytes:
    """Return an AVI with numbers of its header, each at a place in a chunk, set to 0."""
    found = bytearray(content)
    for chunk, place in places:
        start = content.index(chunk) + 8 + place
        found[start : start + 4] = bytes(4)
    return bytes(found)


STREAM_RATE = ((b"strh", 20), (b"strh", 24))


@pytest.mark.parametrize(
    ("content", "has_rate", "rate_hz"),
    [
        (lambda: zeroed(film(".avi"), *STREAM_RATE), True, 10.0),  # the file's own is left
        (lambda: zeroed(film(".avi"), (b"avih", 0)), True, 10.0),
        (lambda: zeroed(film(".avi"), *STREAM_RATE, (b"avih", 0)), False, 25.0),
        (lambda: zeroed(film(".avi"), (b"strh", 24), (b"avih", 0)), False, 25.0),
        (lambda: b"".join(map(jpeg, map(frame, range(4)))), False, 25.0),
    ],
)
def test_a_film_that_says_no_rate_is_taken_at_25_and_known_for_it(
    content: Any, has_rate: bool, rate_hz: float, tmp_path: Path
):
    (tmp_path / "a.avi").write_bytes(content())
    source = VideoSource(tmp_path / "a.avi")
    assert (source.has_rate, source.rate_hz) == (has_rate, pytest.approx(rate_hz))
    assert len(list(source.pictures())) >= FRAMES
    source.close()


@pytest.mark.parametrize("turns", sorted(TURNS))
def test_a_turned_film_comes_upright(turns: int, tmp_path: Path):
    content = bytearray(film(".mp4"))
    # Version, flags, 6 numbers of 4 bytes and 12 bytes more stand between name and matrix.
    place = content.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in TURNS[turns])
    matrix = b"".join(v.to_bytes(4, "big", signed=True) for v in (a, b, 0, c, d, 0, 0, 0, 1 << 30))
    content[place : place + 36] = matrix
    (tmp_path / "turned.mp4").write_bytes(content)
    (tmp_path / "plain.mp4").write_bytes(film(".mp4"))
    found, _ = frames(tmp_path / "turned.mp4")
    plain, _ = frames(tmp_path / "plain.mp4")
    assert len(found) == FRAMES
    for picture, stored in zip(found, plain, strict=True):
        np.testing.assert_array_equal(picture, np.rot90(stored, -turns))


@KEEP
@given(data=st.data(), ending=st.sampled_from([".avi", ".mp4"]))
def test_a_damaged_film_is_refused_or_gives_pictures(data: Any, ending: str):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{ending}"
        path.write_bytes(data.draw(damage(film(ending))))
        try:
            found, rate = frames(path)
        except RoadsegError as error:
            assert "a.avi: " in str(error) or "a.mp4: " in str(error)
            assert "\n" not in str(error)
            return
    assert np.isfinite(rate) and rate > 0
    assert all(picture.dtype == np.uint8 and picture.shape[2:] == (3,) for picture in found)
