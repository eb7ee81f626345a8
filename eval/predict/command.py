"""`roadseg predict`: label maps, colours, overlays and sampling points of images and videos."""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.command_line import arguments
from roadseg.drawing.pictures import KINDS, pictures, to_label_ids, write_png
from roadseg.errors import RoadsegError
from roadseg.eval.cores import share_cores, side_by_side
from roadseg.eval.predict.options import PredictOptions, refuse_height
from roadseg.eval.predict.sfsegnets_demo import write_demo
from roadseg.eval.predict.sources import Source, found_sources, read_picture
from roadseg.eval.predict.video import label_video
from roadseg.eval.scoring import in_threads
from roadseg.files import printable, refuse_unwritable
from roadseg.inference.runtime_files import is_export
from roadseg.recipe.protocol import Protocol
from roadseg.runs.run_folder import RunFolder, Step
from roadseg.tasks.table import task_of
from roadseg.weights.presets import find_preset

if TYPE_CHECKING:
    from roadseg.eval.previous import PreviousInference
    from roadseg.inference.inference import Inference
    from roadseg.sampling import Sampler

EXAMPLE = """roadseg predict --model dabnet/cityscapes street.jpg
roadseg predict runs/deeplabv3_mobilenet_v2 street.png drive.mp4 --to labelled
roadseg predict --model runs/x/export/saved_model --images drive.mp4 --to labelled
roadseg predict --model exports/camvid/litert street.jpg
roadseg predict runs/density96 --images drive.mp4 --sampler previous
roadseg predict runs/semantics_sharing/whole --images image_test --to labelled
roadseg predict runs/icnet --images frames --write labels --label-ids --tile 832 --flip"""


def main(argv: Sequence[str]) -> int:
    """Run the command and return the exit status: 1 if files were skipped."""
    options = arguments.parse(PredictOptions, argv, command="predict", example=EXAMPLE)
    problems = predict(options)
    for problem in problems:
        print(f"skipped: {problem}", file=sys.stderr)
    if problems:
        print(f"error: {len(problems)} files were skipped (named above)", file=sys.stderr)
    return 1 if problems else 0


def predict(options: PredictOptions) -> list[str]:
    """Write the pictures that `options` ask for; return a line for each file that was skipped.

    Raises RoadsegError for options that do not fit, and for the first file that cannot be read
    unless `keep_going`; results written before that stay.
    """
    given, files = _divided(options)
    if options.batch_size < 1:
        raise RoadsegError(f"--batch-size {options.batch_size}: at least 1 is needed")
    demo = options.style == "sfsegnets"
    if demo and (options.write or options.label_ids):
        raise RoadsegError(
            "--style sfsegnets writes its own two pictures; leave --write and --label-ids out"
        )
    if options.sampling.given and given is None:
        raise RoadsegError("--sampler: of a run's own network; give the run, or leave it out")
    changes = options.changes()
    protocol = Protocol().replace(changes)
    # For what it refuses, before a framework is loaded.
    options.rules()
    step = None if options.step == "last" else options.step
    if options.model is not None and not Path(options.model).expanduser().exists():
        find_preset(options.model)
    sources = found_sources(files, options.to, options.strict)
    refuse_unwritable(options.to, is_folder=True)
    if demo and any(source.is_video for source in sources):
        raise RoadsegError("--style sfsegnets: of images alone; leave it out to label videos")
    _check_sampler(options, sources)
    run = RunFolder(given or "")
    if given and not run.exists:
        run.check()
    two_cameras = given and task_of(run.recipe).labels_pairs
    if not two_cameras and set(options.write) - set(KINDS):
        raise RoadsegError("--write flow, sharing: of runs of two cameras only; leave them out")
    if given:
        run.check(step)  # before a framework is loaded
    if not two_cameras and not any(source.is_video for source in sources):
        share_cores()
    sampler = options.sampling.load(run) if given else None
    if two_cameras:
        from roadseg.eval.predict.two_cameras import predict_pairs

        return predict_pairs(options, run, sources, step)
    if given:
        inference = inference_with_sampler(run, step, protocol, sampler)
    else:
        export = options.saved_model
        if export is not None and not is_export(export):
            raise RoadsegError(f"{export}: no export in it; give what `roadseg export` wrote")
        from roadseg.runs.load import load_inference

        inference = load_inference(
            options.saved_model or options.model,
            step,
            mirror=options.weights_folder,
            protocol=changes,
        )
    return _Predictions(options, inference).write(sources)


def inference_with_sampler(
    run: RunFolder, step: Step, protocol: Protocol, sampler: "Sampler | None"
) -> "Inference | PreviousInference":
    """Return what labels images by a checkpoint; RoadsegError for what does not fit the run.

    sampler: in place of the run's own; a `PreviousSampler` labels the frames of videos.
    """
    from roadseg.runs.load import inference_of_run

    if sampler is None or sampler.kind != "previous":
        return inference_of_run(run, step, sampler, protocol=protocol)
    if not protocol.is_whole:
        raise RoadsegError(f"--sampler previous: of whole frames; leave {protocol.shown} out")
    from roadseg.eval.previous import PreviousInference

    found = inference_of_run(run, step, sampler)
    return PreviousInference(found.model, found.label_table, found.title)


def _divided(options: PredictOptions) -> tuple[Path | None, tuple[Path, ...]]:
    """Return the run that `options` name, if any, and what is to be labelled.

    Raises RoadsegError where two things are to label, or nothing is to be labelled.
    """
    named, files, run = options.model is not None, options.words, None
    if named and options.saved_model is not None:
        raise RoadsegError("predict: --model and --saved-model; give one of the two")
    holds_run = bool(files) and (files[0] / "recipe.json").is_file()
    if files and not holds_run and (files[0] / "checkpoints").is_dir():
        raise RoadsegError(
            f"{files[0]}: checkpoints and no recipe.json, which says what they are of; copy the "
            "run again"
        )
    if holds_run and (named or options.saved_model is not None):
        option = "--model" if named else "--saved-model"
        raise RoadsegError(f"{files[0]}: a run, beside {option}; give one of the two")
    if holds_run or files and options.images and not named and options.saved_model is None:
        run, *rest = files
        files = tuple(rest)
    if run is not None and options.weights_folder is not None:
        raise RoadsegError(
            f"--weights-folder: {run} holds its own weights; leave one of the two out"
        )
    if not files + options.images:
        raise RoadsegError("predict: nothing to label; name an image, a video or a folder of them")
    return run, files + options.images


def _check_sampler(options: PredictOptions, sources: Sequence[Source]) -> None:
    """Raise RoadsegError for what does not go with a sampler of videos: images, another height."""
    if options.sampling.sampler != "previous":
        return
    refuse_height(options, "frames that --sampler previous samples")
    still = next((source for source in sources if not source.is_video), None)
    if still is not None:
        raise RoadsegError(
            f"{still.path}: --sampler previous is of videos, and this is a single image; leave "
            "either out"
        )


Found = tuple[np.ndarray, np.ndarray | None]
"""Labels of an image, and where it was sampled."""


class _Predictions:
    def __init__(self, options: PredictOptions, inference: "Inference | PreviousInference") -> None:
        self.options, self.inference = options, inference
        self.problems: list[str] = []
        # Frames that are sampled by the one before them come one by one, from videos alone.
        protocol = getattr(inference, "protocol", Protocol())
        self._find = side_by_side(self._found, max(protocol.factors))

    def write(self, sources: Sequence[Source]) -> list[str]:
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import Progress

        console = Console(stderr=True, markup=False, emoji=False)
        plain = not console.is_terminal
        stills = [source for source in sources if not source.is_video]
        with Progress(console=console, transient=True, disable=plain) as progress:
            task = progress.add_task("images", total=len(stills), visible=bool(stills))
            for done, _ in enumerate(in_threads(self._jobs(stills)), 1):
                progress.advance(task)
                if plain:
                    _say_tenths("images", done, len(stills))
            for source in sources:
                if source.is_video:
                    bar = progress.add_task(escape(printable(source.path.name)), total=None)
                    self._video(source, partial(_advance, progress, bar))
        done = len(sources) - len(self.problems)
        summary = f"{done} of {len(sources)} labelled, results in {self.options.to}"
        print(f"{self.inference.title}: {summary}")
        return self.problems

    def _problem(self, error: RoadsegError) -> None:
        if not self.options.keep_going:
            raise error
        self.problems.append(str(error))

    def _read(self, sources: Sequence[Source]) -> Iterator[tuple[Source, np.ndarray]]:
        def read(source: Source) -> np.ndarray | RoadsegError:
            try:
                return read_picture(source.path, self.options.rules())
            except RoadsegError as error:
                return error

        # As a default: the variable has moved on when a thread comes to it.
        jobs = (lambda source=source: read(source) for source in sources)
        for source, image in zip(sources, in_threads(jobs, 2), strict=True):
            if isinstance(image, RoadsegError):
                self._problem(image)
            else:
                yield source, image

    def _jobs(self, sources: Sequence[Source]) -> Iterator[Callable[[], None]]:
        """Yield what labels, draws and writes each image; those of a batch are labelled at once."""
        batch: list[tuple[Source, np.ndarray]] = []
        for source, image in self._read(sources):
            full = len(batch) == self.options.batch_size
            if batch and (full or batch[0][1].shape != image.shape):
                yield from self._label(batch)
                batch = []
            batch.append((source, image))
        if batch:
            yield from self._label(batch)

    def _label(self, batch: list[tuple[Source, np.ndarray]]) -> Iterator[Callable[[], None]]:
        found = self._find(np.stack([image for _, image in batch]))
        for (source, image), one in zip(batch, found, strict=True):
            yield partial(self._draw, source, image, one)

    def _found(self, images: np.ndarray) -> list[Found]:
        found = self.inference(images)
        grids = [None] * len(images) if found.locations is None else found.locations
        return list(zip(found.labels, grids, strict=True))

    def _draw(self, source: Source, image: np.ndarray, found: Callable[[], Found]) -> None:
        labels, grid = found()
        kinds = self.options.write or KINDS
        target = self.options.to / source.name
        table = self.inference.label_table
        if self.options.style == "sfsegnets":
            return write_demo(target, image, labels, table)
        for kind, picture in pictures(image, labels, grid, table, kinds).items():
            if kind == "labels" and self.options.label_ids:
                picture = to_label_ids(picture, table)
            write_png(target.with_name(f"{target.name}_{kind}.png"), picture)

    def _video(self, source: Source, report: Callable[[int, int], None]) -> None:
        options = self.options
        kinds = options.write or [kind for kind in KINDS if kind != "labels"]
        # Frames that wait for each other's labels gain nothing from a batch.
        from roadseg.eval.previous import PreviousInference

        inference = self.inference
        batch_size = options.batch_size
        if isinstance(inference, PreviousInference):
            batch_size = 1
            inference.begin_video()
        try:
            label_video(
                source.path,
                options.to / source.name,
                inference,
                kinds,
                batch_size,
                report,
                options.label_ids,
            )
        except RoadsegError as error:
            self._problem(error)
        if isinstance(inference, PreviousInference):
            print(f"{source.path.name}: {inference.video_note()}")


def _advance(progress: Any, bar: Any, done: int, total: int) -> None:
    progress.update(bar, completed=done, total=total or None)
    if not progress.console.is_terminal:
        _say_tenths("frames", done, total)


def _say_tenths(what: str, done: int, total: int) -> None:
    """Print a line at each tenth, where no bar can be shown."""
    if total >= 10 and done * 10 // total > (done - 1) * 10 // total:
        print(f"{done} of {total} {what}", file=sys.stderr, flush=True)
