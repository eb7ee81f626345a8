"""What `roadseg convert` can be told about the records of any data set."""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

from roadseg.data_conversion.raw.source import Source

if TYPE_CHECKING:
    from roadseg.data_conversion.builder import RecordBuilder

Plan = tuple[Source, "type[RecordBuilder]"]


def _cores() -> int:
    return len(os.sched_getaffinity(0))


@dataclasses.dataclass
class Output:
    """Where the records go, and how they are written."""

    to: Path
    """Folder of the records; the data set is <to>/<name>/1.0.0, complete or not there."""
    shards: int = 10
    """Files for each split (fewer if it has fewer images)."""
    workers: int = dataclasses.field(default_factory=_cores)
    """Threads that read and check files."""
    overwrite: bool = False
    """Replace complete records that are there."""
    beam: bool = False
    """Run on Apache Beam (extra `beam`), one work item for each shard."""
    beam_options: str = ""
    """Beam pipeline options: --beam-options="--runner=FlinkRunner --parallelism=8"."""
