"""Shards written by Apache Beam: by processes of this machine, or on Dataflow, Flink or Spark.

Beam moves no images: an element is a whole shard, which a worker reads, checks and writes.
"""

import contextlib
import importlib.util
import io
import logging
import pickle
import shlex
import threading
from collections.abc import Sequence
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any

from roadseg.data_conversion.write.shard_job import Run, ShardJob, stop
from roadseg.errors import RoadsegError

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

# What DirectRunner ends up with, once it has tried to load another runner from the network.
DIRECT = "FnApiRunner"
_PATIENCE = 30  # seconds for workers to notice that a conversion was ended
_LENGTH = 300  # characters of an error of a runner
_HELP = "see Beam's own documentation for the options of a runner"


def beam_runner(options: str) -> Run:
    """Return what has shards written with these pipeline options, in Beam's own notation.

    Raises RoadsegError where Beam is not installed, and for options that it does not take.
    """
    if importlib.util.find_spec("apache_beam") is None:
        raise RoadsegError("--beam: apache_beam not installed; pip install 'roadseg[beam]'")
    logging.disable(logging.WARNING)  # on importing Beam: of what nobody asked for
    try:
        parsed, runner, here = _parsed(shlex.split(options))
    except ValueError as error:
        raise RoadsegError(f"--beam-options {options!r}: {error}; {_HELP}") from None
    finally:
        logging.disable(logging.NOTSET)
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)  # it logs what is raised as well

    def run(jobs: Sequence[ShardJob]) -> None:
        try:
            _run(jobs, parsed, runner)
        except Exception as error:
            if here:
                raise
            # Each runner has errors of its own for what is not its caller's fault.
            text = " ".join(f"{type(error).__name__}: {error}".split())[:_LENGTH].rstrip(".: ")
            raise RoadsegError(
                f"--beam-options {options!r}: {text}; check that the runner can be reached, and "
                "see its own log"
            ) from error

    return run


def _parsed(flags: Sequence[str]) -> "tuple[PipelineOptions, str, bool]":
    """Return options, the runner, and whether it runs on this machine.

    Raises ValueError, in one line, for what Beam does not know or lacks.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

    unknown: list[str] = []
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parsed = PipelineOptions(list(flags))
            parsed.get_all_options(
                add_extra_args_fn=lambda parser: unknown.extend(parser.parse_known_args(flags)[1])
            )
    except SystemExit:
        raise ValueError(said.getvalue().strip().rpartition("error: ")[2]) from None
    name = parsed.view_as(StandardOptions).runner or "DirectRunner"
    runner = DIRECT if name.lower() in ("direct", "directrunner") else name
    try:
        made = beam.Pipeline(runner=runner, options=parsed).runner
    except (ValueError, ImportError, AttributeError) as error:
        raise ValueError(f"{name}: {' '.join(str(error).split())}".rstrip(".")) from None
    here = type(made).__name__ in StandardOptions.LOCAL_RUNNERS
    if unknown and here:  # others may know options that Beam itself does not
        raise ValueError(f"{name} has no option {unknown[0]}")
    return parsed, runner, here


def _run(jobs: Sequence[ShardJob], options: "PipelineOptions", runner: str) -> None:
    import apache_beam as beam

    pipeline = beam.Pipeline(runner=runner, options=options)
    _ = (
        pipeline
        | "shards" >> beam.Create([pickle.dumps(job) for job in jobs])
        # Without it one worker would do them all.
        | "spread" >> beam.Reshuffle()
        | "write" >> beam.Map(_work)
    )
    ended: Future[None] = Future()
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(pipeline.run())
            results[0].wait_until_finish()
            ended.set_result(None)
        except Exception as error:
            ended.set_exception(error)

    # An interrupt that is raised inside a runner has to wait there until all is written.
    threading.Thread(target=run, daemon=True).start()
    try:
        ended.result()
    finally:
        if not ended.done():
            stop(jobs)
            for result in results:
                result.cancel()
            wait([ended], timeout=_PATIENCE)


def _work(job: bytes) -> None:
    pickle.loads(job)()
