"""Archives of checkpoints are anybody's: looked at by their headers before anything is unpacked."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from roadseg.errors import RoadsegError
from roadseg.weights import slim

Member = tuple[tarfile.TarInfo, bytes]


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", content: bytes = b""
) -> Member:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.size = kind, link, len(content)
    return found, content


def archive(path: Path, *members: Member) -> Path:
    with tarfile.open(path, "w:gz") as written:
        for found, content in members:
            written.addfile(found, io.BytesIO(content))
    return path


def huge_member(path: Path) -> None:
    """Write an archive whose header promises 2 GiB, and nothing of them."""
    found = tarfile.TarInfo("a.data-00000-of-00001")
    found.size = 2 << 30
    with tarfile.open(path, "w:gz") as written:
        written.fileobj.write(found.tobuf())  # type: ignore[union-attr]


def many_members(path: Path) -> None:
    archive(path, *(member(f"{number}.txt") for number in range(slim.MOST_MEMBERS + 1)))


def of(*members: Member) -> Callable[[Path], object]:
    return lambda path: archive(path, *members)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (huge_member, "'a.data-00000-of-00001' brings it above 1024 MiB or 10,000 members"),
        (many_members, "'10000.txt' brings it above 1024 MiB or 10,000 members"),
        (of(member("../evil.index", content=b"abc")), "outside the destination"),
        (of(member("a.index", tarfile.SYMTYPE, "/etc/passwd")), "0 checkpoints in it"),
        (of(member("a.index", tarfile.LNKTYPE, "/etc/passwd")), "0 checkpoints in it"),
        (of(member("a.index", tarfile.CHRTYPE)), "0 checkpoints in it"),
        (of(member("a.index", tarfile.FIFOTYPE)), "0 checkpoints in it"),
        (
            of(member("d", tarfile.SYMTYPE, ".."), member("d/evil.index", content=b"abc")),
            "not readable as a checkpoint",
        ),
    ],
)
def test_what_could_fill_a_disk_or_leave_its_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], object], message: str
) -> None:
    (tmp_path / "unpacked").mkdir()
    monkeypatch.setattr(slim.tempfile, "tempdir", str(tmp_path / "unpacked"))
    write(tmp_path / "w.tgz")
    with pytest.raises(RoadsegError, match=f"w.tgz: .*{message}") as caught:
        slim.read_slim(tmp_path / "w.tgz")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("evil*")) and not list((tmp_path / "unpacked").iterdir())
