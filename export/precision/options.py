"""How exact an export is, and how it is judged: the options, and what is wrong with them early."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from roadseg.data_conversion.read.folders import find_shards
from roadseg.errors import RoadsegError
from roadseg.export.calibration import USUAL_COUNT, refuse_early, refuse_singles
from roadseg.export.formats import FORMATS, PRECISIONS, Format


@dataclass(frozen=True)
class Precision:
    """The precision of a file, the images that its ranges are measured on, and its verdict."""

    name: str = "float32"
    calibration: Path | None = None
    """Records or a folder of images; None for the records of the run, those to judge
    by, or drawn streets."""
    calibration_images: int = USUAL_COUNT
    seed: int = 0
    """Chooses the images."""
    records: Path | None = None
    """Labelled records to judge by; None for those of the run."""
    split: str = "val"
    """Of these records."""
    verdict_images: int | None = None
    """Images to judge by, from the start of the split; None for all."""
    allow_loss: float | None = None
    """Points of a score that may be lost; None for `verdict.ALLOWED_POINTS`."""

    @property
    def is_judged(self) -> bool:
        """Whether labels of the file are compared with others than those of the trial images."""
        return self.name != "float32" or self.records is not None

    def refuse_early(self, kind: Format) -> None:
        """Raise RoadsegError for what can be seen to be wrong without TensorFlow."""
        if self.name not in PRECISIONS:
            raise RoadsegError(f"--precision {self.name}: there is {', '.join(PRECISIONS)}")
        if self.name not in kind.precisions:
            others = [other.name for other in FORMATS.values() if self.name in other.precisions]
            raise RoadsegError(
                f"--precision {self.name}: {kind.name} is float32; give --format "
                f"{' or '.join(others)}"
            )
        if self.verdict_images is not None and self.verdict_images < 1:
            raise RoadsegError(f"--verdict-images {self.verdict_images}: at least 1 is needed")
        if self.allow_loss is not None and not 0 <= self.allow_loss < math.inf:
            raise RoadsegError(f"--allow-loss {self.allow_loss:g}: points, 0 or more")
        refuse_early(self.calibration, self.calibration_images)
        if self.records is not None:
            for part in self.split.split("+"):
                find_shards(self.records, part)

    def refuse_singles(self) -> None:
        """Raise RoadsegError for images to measure on that are no pairs, of a network of pairs."""
        if self.name == "int8" and self.calibration is not None:
            refuse_singles(self.calibration)


def records_of(path: Path, split: str, find: Callable[[Path, str], object] = find_shards) -> bool:
    """Return whether the records that a run was trained on are still there, with this split."""
    try:
        find(path, split)
    except RoadsegError:
        return False
    return True
