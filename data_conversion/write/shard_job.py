"""One shard as work that any process can do, on this machine or on another.

Such a process shares nothing but the folder of the records with the one that sent it. So what it
read, and what it could not read, lies in a note beside the shard. An exception would come back as a
runner's own text at best, after the runner has tried the shard again.
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.data_conversion.raw.faults import FileAtFault
from roadseg.data_conversion.raw.source import Pair, Source
from roadseg.data_conversion.reading import Reading
from roadseg.data_conversion.write.faults import faults_of, in_one_error
from roadseg.errors import RoadsegError
from roadseg.files import UNFINISHED, parse_json

if TYPE_CHECKING:
    from tensorflow_datasets.core.writer import ShardWriter

    from roadseg.data_conversion.write.examples import ShardExamples

STOPPED = ".stopped"
"""The file that tells workers, wherever they are, that nobody waits for them any more."""


@dataclasses.dataclass(frozen=True)
class Note:
    """What a job says of its shard.

    readings: of each example that was written, in order.
    faults: what is wrong with a pair, by its place in the shard. first: the one that was met first.
    """

    readings: Sequence[tuple[Reading, ...]]
    faults: Mapping[int, list[str]]
    first: str = ""

    def to_json(self) -> str:
        """Return the note as text."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Note":
        """Return the note that `to_json` made a text of."""
        values = parse_json(text)
        return cls(
            [tuple(_reading(view) for view in views) for views in values["readings"]],
            {int(place): texts for place, texts in values["faults"].items()},
            values["first"],
        )


def _reading(values: dict[str, Any]) -> Reading:
    return Reading(
        values["name"],
        tuple(values["size"]),
        {int(value): count for value, count in values["counts"].items()},
        values["stored_anew"],
    )


@dataclasses.dataclass(frozen=True)
class ShardJob:
    """Called, writes a shard whole and a note on it; picklable.

    After a first fault the rest of the shard is looked at, not written. Done twice, even at the
    same time, it leaves what it leaves when it is done once.
    """

    path: Path
    examples: "ShardExamples"
    writer: "ShardWriter"

    @property
    def note(self) -> Path:
        """The file of the note."""
        return self.path.with_suffix(".note.json")

    def __call__(self) -> None:
        """Write shard and note; nothing after `stop`, or where the folder cannot be seen."""
        if self._is_stopped():
            return  # `collect` misses the note, and says so
        readings: list[tuple[Reading, ...]] = []
        faults: dict[int, list[str]] = {}
        first = ""

        def read(_: str, views: tuple[Reading, ...]) -> None:
            if self._is_stopped():
                raise _Stopped
            readings.append(views)

        examples = dataclasses.replace(self.examples, on_example=read)
        try:
            with _in_one_step(self.path) as aside:
                self.writer.write(examples(), aside)
        except _Stopped:
            return
        except FileAtFault as error:
            first, done = str(error), len(readings)
            found = faults_of(self.examples, self.examples.pairs[done:])
            faults = {place: texts for place, texts in enumerate(found, done) if texts}
        with _in_one_step(self.note) as aside:
            aside.write_text(Note(readings, faults, first).to_json(), encoding="utf-8")

    def _is_stopped(self) -> bool:
        folder = self.path.parent
        return not folder.is_dir() or (folder / STOPPED).exists()


class _Stopped(Exception):
    """Nobody waits for this shard any more."""


def stop(jobs: Sequence[ShardJob]) -> None:
    """Let no job begin, wherever it is, and those at work end after the example they are at."""
    (jobs[0].path.parent / STOPPED).touch()


@contextlib.contextmanager
def _in_one_step(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to, and move it there.

    No folder is made: this one may have been removed, by a conversion that was ended.
    """
    aside = path.with_name(f"{UNFINISHED}{path.name}-{os.urandom(8).hex()}")
    try:
        yield aside
        aside.rename(path)
    finally:
        aside.unlink(missing_ok=True)


Run = Callable[[Sequence[ShardJob]], None]
"""Calls jobs, copies of them, anywhere and in any order, and returns when all are done."""


def collect(jobs: Mapping[str, Sequence[ShardJob]], source: Source) -> dict[str, list[Note]]:
    """Return the notes of the jobs of each split, and remove them and what was left unfinished.

    Raises FilesAtFault for all pairs at fault, RoadsegError for a job that wrote no note.
    """
    notes = {split: [_note(job) for job in of_split] for split, of_split in jobs.items()}
    found: dict[str, dict[Pair, list[str]]] = {}
    first = ""
    for split, of_split in jobs.items():
        for job, note in zip(of_split, notes[split], strict=True):
            first = first or note.first
            for place, texts in note.faults.items():
                found.setdefault(split, {})[job.examples.pairs[place]] = texts
    if first:
        raise in_one_error(first, found, source)
    everything = [job for of_split in jobs.values() for job in of_split]
    for job in everything:
        job.note.unlink()
    # A process that died, or one that a runner gave up, may have left some.
    for leftover in everything[0].path.parent.glob(f"{UNFINISHED}*"):
        leftover.unlink(missing_ok=True)
    return notes


def _note(job: ShardJob) -> Note:
    try:
        return Note.from_json(job.note.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RoadsegError(
            f"{job.path.parent}: {job.path.name} was not written there; --to has to be a folder "
            "that all workers of Beam share, under the same path"
        ) from None
