"""Writes records so that a folder is either complete or not there, whatever interrupts it.

A conversion works in `<to>/.converting`, which is cleared when the next one starts, and moves the
finished data set to `<to>/<name>/<version>` by renaming. A complete data set that is being replaced
is put aside until the new one is in place.
"""

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.data_conversion.raw.faults import FileAtFault
from roadseg.data_conversion.raw.source import Source
from roadseg.data_conversion.reading import Report
from roadseg.data_conversion.write.faults import every_fault
from roadseg.data_conversion.write.shard_job import Run
from roadseg.data_conversion.write.shards import VERSION, shard_parts
from roadseg.errors import RoadsegError
from roadseg.files import disk_error, sync_path

if TYPE_CHECKING:
    from roadseg.data_conversion.write.builder import RecordBuilder

STAGING = ".converting"
ASIDE = ".replaced"
LOCK = ".converting.lock"


def write_records(
    source: Source,
    builder: "type[RecordBuilder]",
    to: Path,
    *,
    shards: int = 10,
    workers: int = 1,
    overwrite: bool = False,
    run: Run | None = None,
    on_example: Callable[[], None] | None = None,
    report: Report | None = None,
) -> Path:
    """Convert `source` and return the folder of the records, `<to>/<name>/<version>`.

    run: has the shards written elsewhere; None writes them here, on threads.
    on_example: called after each example. report: takes what is read.
    Raises FilesAtFault for pairs that cannot be converted, all of them in one line. Raises
    RoadsegError for other bad input, for records that exist unless `overwrite`, for a full disk
    and for a conversion to the same folder that is still running; `to` is then as it was before.
    """
    if shards < 1 or workers < 1:
        raise RoadsegError(f"--shards {shards} --workers {workers}: both must be 1 or more")
    final = to / builder.name / VERSION
    report = report or Report(source.table)

    def read(split: str, readings: Any) -> None:
        report.add(split, readings)
        if on_example:
            on_example()

    with _only_writer(to):
        _clear_leftovers(to, final)
        refuse_existing(to, builder.name, overwrite)
        staging = to / STAGING
        try:
            with _one_line_of_the_disk(to):
                maker = builder(
                    source=source,
                    shards=shards,
                    workers=workers,
                    on_example=read,
                    run=run,
                    data_dir=staging,
                )
                try:
                    _prepare(maker)
                except FileAtFault as error:
                    examples = {s: maker.examples(s, p) for s, p in source.splits.items()}
                    done = {split: len(views) for split, views in report.readings.items()}
                    advance = on_example or (lambda: None)
                    raise every_fault(error, source, examples, done, advance) from None
                _keep_counts(Path(maker.data_dir), source, shards, report)
                _check_and_sync(Path(maker.data_dir), source)
            try:
                _put_in_place(Path(maker.data_dir), final, to)
            except OSError as error:
                raise disk_error(final, error) from None
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return final


def refuse_existing(to: Path, name: str, overwrite: bool) -> None:
    """Raise RoadsegError if complete records of the data set `name` are in `to`."""
    final = to / name / VERSION
    if final.exists() and not overwrite:
        raise RoadsegError(
            f"{final}: complete records are here already; add --overwrite to replace them, "
            "or choose another --to"
        )


def _prepare(maker: "RecordBuilder") -> None:
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    # tfds would look for a prepared copy in its own cloud.
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    maker.download_and_prepare(download_config=config)


def _keep_counts(folder: Path, source: Source, shards: int, report: Report) -> None:
    """Write what the labels hold beside the records, so that no reader has to count it."""
    from roadseg.data_conversion.read.label_counts import keep_counts
    from roadseg.data_conversion.reading import total

    found: dict[Path, Any] = {}
    for split, pairs in source.splits.items():
        rest, parts = iter(report.readings.get(split, ())), shard_parts(pairs, shards)
        for number, part in enumerate(parts):
            views = [view for example in islice(rest, len(part)) for view in example]
            file = folder / f"{split}-{number:05d}-of-{len(parts):05d}.tfrecord"
            if views:
                found[file] = total(views)
    keep_counts(folder, found)


def _check_and_sync(folder: Path, source: Source) -> None:
    from roadseg.data_conversion.read.tfrecord_files import count_records

    for split, pairs in source.splits.items():
        written = sum(count_records(path) for path in folder.glob(f"{split}-*.tfrecord"))
        if written != len(pairs):
            raise RoadsegError(
                f"{folder}: {written} of {len(pairs)} examples of '{split}' written; run it again"
            )
    for path in [*folder.iterdir(), folder]:
        sync_path(path)


def _put_in_place(ready: Path, final: Path, to: Path) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    aside = to / ASIDE
    if final.exists():
        final.rename(aside)
    try:
        ready.rename(final)
    except OSError:
        if aside.exists():
            aside.rename(final)
        raise
    sync_path(final.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _clear_leftovers(to: Path, final: Path) -> None:
    aside = to / ASIDE
    if aside.exists() and not final.exists():
        final.parent.mkdir(parents=True, exist_ok=True)
        aside.rename(final)
    shutil.rmtree(aside, ignore_errors=True)
    shutil.rmtree(to / STAGING, ignore_errors=True)


@contextlib.contextmanager
def _only_writer(to: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system lets go of when a process dies."""
    try:
        to.mkdir(parents=True, exist_ok=True)
        lock = (to / LOCK).open("w")
    except OSError as error:
        raise RoadsegError(f"{to}: cannot write here ({error.strerror}); change --to") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RoadsegError(
                f"{to}: another conversion is writing here; wait for it, or change --to"
            ) from None
        try:
            yield
        finally:
            (to / LOCK).unlink(missing_ok=True)


@contextlib.contextmanager
def _one_line_of_the_disk(to: Path) -> Iterator[None]:
    """Turn what the disk under `to` refuses, met inside, into one line."""
    try:
        yield
    except RoadsegError:
        raise
    except Exception as error:
        reason = disk_fault(error)
        if reason is None:
            raise
        if reason in FULL:
            raise RoadsegError(
                f"{to}: no space left on this disk, nothing was kept; make room or change --to"
            ) from None
        raise RoadsegError(
            f"{to}: not written ({reason}), nothing was kept; mend this disk or change --to"
        ) from None


FULL = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT))
BROKEN = tuple(os.strerror(number) for number in (errno.EIO, errno.EROFS, errno.ESTALE))


def disk_fault(error: BaseException | None) -> str | None:
    """Return the system's words where an exception, or what caused it, is a disk's; else None."""
    while error is not None:
        # tfds and TensorFlow wrap the system's error in errors of their own.
        text = f"{getattr(error, 'strerror', None)} {error}".lower()
        for reason in (*FULL, *BROKEN):
            if reason.lower() in text:
                return reason
        error = error.__cause__ or error.__context__
    return None
