"""What visitors send: kinds told by their bytes, limits, films cut and thinned out."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.page.limits import Limits
from roadseg.eval.page.uploads import frames, is_video, plain_name
from tests.eval.page.served import halves, png
from tests.support import assert_refused


def film(path: Path, count: int, size: tuple[int, int] = (48, 64), rate: float = 10.0) -> Path:
    """Write a video whose frame `n` is grey of level 4 n."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, size[::-1])
    for number in range(count):
        writer.write(np.full((*size, 3), 4 * number, np.uint8))
    writer.release()
    return path


def stored(folder: Path, content: bytes) -> Path:
    (folder / "upload").write_bytes(content)
    return folder / "upload"


@pytest.mark.parametrize(
    ("head", "video"),
    [
        (b"\0\0\0\x18ftypisom", True),
        (b"\0\0\0\x14ftypqt  ", True),
        (b"\x1a\x45\xdf\xa3\0\0\0\0", True),
        (b"RIFF\0\0\0\0AVI LIST", True),
        (b"RIFF\0\0\0\0WEBPVP8 ", False),
        (b"\0\0\0\x18ftypavif", False),
        (b"\0\0\0\x18ftypheic", False),
        (b"#EXTM3U\nhttp://", False),
        (b"ffconcat version 1.0", False),
        (b"", False),
    ],
)
def test_videos_are_told_by_their_first_bytes(head: bytes, video: bool) -> None:
    assert is_video(head) is video


def test_a_picture_is_shrunk_to_the_limit_with_its_aspect(tmp_path: Path) -> None:
    path = stored(tmp_path, png(halves(300, 400)))
    made, most = frames(path, "a.png", Limits(shrink_megapixels=0.03))
    (frame,) = made
    assert most == 1 and frame.stored == (300, 400) and frame.image.shape == (150, 200, 3)
    made, _ = frames(path, "a.png", Limits())
    np.testing.assert_array_equal(next(made).image, halves(300, 400))


def test_a_film_is_thinned_out_evenly(tmp_path: Path) -> None:
    made, most = frames(film(tmp_path / "a.mp4", 20), "a.mp4", Limits(max_frames=7))
    found = list(made)
    assert most == len(found) == 7
    np.testing.assert_allclose([frame.second for frame in found], np.arange(0, 20, 3) / 10)
    levels = [frame.image.mean() for frame in found]
    np.testing.assert_allclose(levels, 4 * np.arange(0, 20, 3), atol=4)


def test_a_film_is_cut_at_its_longest(tmp_path: Path) -> None:
    made, most = frames(film(tmp_path / "a.mp4", 20), "a.mp4", Limits(max_seconds=0.5))
    assert [frame.second for frame in made] == [0, 0.1, 0.2, 0.3, 0.4] and most == 5


def test_what_is_no_street_is_refused_by_its_name_on_the_page(tmp_path: Path) -> None:
    def read(content: bytes, name: str) -> object:
        return list(frames(stored(tmp_path, content), name, Limits())[0])

    def refused(message: str, content: bytes, name: str = "a.png") -> None:
        assert_refused(lambda _: read(content, name), message, tmp_path)

    refused("^a.png: an empty file; choose another", b"")
    refused("^a.png: not a whole image .*; save it as PNG or JPEG", b"text")
    refused("^a.png: not a whole image .truncated PNG", png(halves())[:60])
    refused("^a.mp4: neither MP4, .* nor AVI by its first bytes; conv", b"#EXTM3U\n/x", "a.mp4")
    refused("^a.mp4: not a video that OpenCV can read", b"\0\0\0\x18ftypisom" + bytes(99), "a.mp4")


def test_frames_beyond_the_limit_are_refused_by_the_header(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 2)
    with pytest.raises(RoadsegError, match="^a.mp4: 48x64 are 0 megapixels"):
        frames(path, "a.mp4", Limits(max_megapixels=0.003))


def test_a_film_without_a_frame_is_refused(tmp_path: Path) -> None:
    content = film(tmp_path / "a.mp4", 8).read_bytes()
    start = content.index(b"mdat") + 4
    damaged = content[:start] + bytes(content.index(b"moov") - 4 - start)
    path = stored(tmp_path, damaged + content[content.index(b"moov") - 4 :])
    with pytest.raises(RoadsegError, match="^a.mp4: (no frame can be read|not a video)"):
        list(frames(path, "a.mp4", Limits())[0])


def test_names_are_short_and_printable() -> None:
    assert plain_name("a/b\\c d.png") == "c d.png"
    assert plain_name("\x1b[31m\n.png") == plain_name("\x1b[31m .png")
    assert "\x1b" not in plain_name("\x1b[31m.png")
    assert len(plain_name("a" * 500)) == 80 and plain_name("") == "upload"


@pytest.mark.parametrize(
    ("field", "option"),
    [
        ("max_megabytes", "--max-megabytes 0: wanted a number above 0"),
        ("shrink_megapixels", "--shrink-megapixels 0: wanted"),
        ("max_seconds", "--max-seconds 0: wanted"),
        ("max_frames", "--max-frames 0: wanted"),
        ("max_waiting", "--max-waiting 0: wanted"),
        ("max_megapixels", "--max-megapixels 0: wanted above 0"),
    ],
)
def test_limits_that_let_nothing_through_are_refused(field: str, option: str) -> None:
    with pytest.raises(RoadsegError, match=f"^{option}"):
        Limits(**{field: 0})  # type: ignore[arg-type]
