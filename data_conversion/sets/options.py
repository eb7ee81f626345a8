"""What `roadseg convert` can be told about the records of any data set."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from roadseg.data_conversion.raw.pictures import PictureRules
from roadseg.data_conversion.raw.source import Source
from roadseg.errors import RoadsegError
from roadseg.processors import usable_cpus

if TYPE_CHECKING:
    from roadseg.data_conversion.write.builder import RecordBuilder
    from roadseg.data_conversion.write.shard_job import Run


@dataclasses.dataclass
class Output:
    """Where the records go, and how they are written."""

    to: Path
    """Folder of the records; the data set is <to>/<name>/1.0.0, complete or not there."""
    shards: int = 10
    """Files for each split (fewer if it has fewer images)."""
    workers: int = dataclasses.field(default_factory=usable_cpus)
    """Threads that read and check files."""
    overwrite: bool = False
    """Replace complete records that are there."""
    beam: bool = False
    """Run on Apache Beam (extra `beam`), one work item for each shard."""
    beam_options: str = ""
    """Beam pipeline options: --beam-options="--runner=FlinkRunner --parallelism=8"."""
    strict: bool = False
    """Refuse to leave any file out."""
    keep_going: bool = False
    """Leave out pairs that cannot be read, and return status 1."""
    max_megapixels: float = PictureRules.max_megapixels
    """Refuse larger pictures, by their header."""
    float_range: tuple[float, float] | None = None
    """Values of black and white in float and 32-bit pictures, which are refused without."""

    def rules(self) -> PictureRules:
        """Return what the readers of pictures are told; RoadsegError for values out of range."""
        return PictureRules(self.max_megapixels, self.float_range)

    def check(self) -> None:
        """Raise RoadsegError for numbers that make no records."""
        if self.shards < 1 or self.workers < 1:
            raise RoadsegError(
                f"--shards {self.shards} --workers {self.workers}: both must be 1 or more"
            )

    def beam_run(self) -> "Run | None":
        """Return what has the shards written on Beam, None where this process shall.

        Raises RoadsegError where Beam is not installed, and for options that it does not take.
        """
        if not self.beam and not self.beam_options:
            return None
        from roadseg.data_conversion.write.beam import beam_runner

        return beam_runner(self.beam_options)

    def builder(self, source: Source) -> "type[RecordBuilder]":
        """Return the builder of the records of `source`."""
        from roadseg.data_conversion.write.builders import BUILDERS

        return BUILDERS[source.name]
