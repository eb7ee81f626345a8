"""What a visitor of the page may send, and how much of it is labelled."""

import dataclasses

from roadseg.data_conversion.raw.pictures import PictureRules
from roadseg.errors import RoadsegError


@dataclasses.dataclass(frozen=True)
class Limits:
    """Bounds on uploads, in megabytes, megapixels, frames and seconds."""

    max_megabytes: float = 32.0
    """Refuse larger files."""
    max_megapixels: float = 40.0
    """Refuse larger pictures and frames, by their header."""
    shrink_megapixels: float = 1.0
    """Larger ones are shrunk to this before they are labelled."""
    max_seconds: float = 20.0
    """Label no more of a video than its beginning of this length."""
    max_frames: int = 60
    """Label at most so many frames of a video, spread evenly."""
    max_waiting: int = 16
    """Visitors that are served or wait; more are asked to try again."""

    def __post_init__(self) -> None:
        """Raise RoadsegError for a limit that lets nothing through."""
        self.rules()
        for name in ("max_megabytes", "shrink_megapixels", "max_seconds", "max_frames"):
            self._check(name, getattr(self, name))
        self._check("max_waiting", self.max_waiting)

    def _check(self, name: str, value: float) -> None:
        if not 0 < value < float("inf"):
            raise RoadsegError(f"--{name.replace('_', '-')} {value:g}: wanted a number above 0")

    def rules(self) -> PictureRules:
        """Return what the reader of pictures is told."""
        return PictureRules(self.max_megapixels)

    @property
    def max_bytes(self) -> int:
        """The largest upload in bytes."""
        return int(self.max_megabytes * 1e6)
