"""The samplers of the oracle: what each makes of a frame whose true labels are known."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.eval.cuts import CutDetector
from roadseg.eval.frames import Frame

if TYPE_CHECKING:
    from roadseg.sampling import Sampler

Control = Callable[[Frame], np.ndarray]
"""Takes a frame and returns its control grid, (rows, columns, 2), (row, column) 0..1."""
BY_DENSITY = ("prior", "density", "previous", "exact")
"""Samplers whose grid is solved for a density."""
EXACT, PREDICTED, PREVIOUS = "exact targets", "by its run", "last labels"


@dataclasses.dataclass(frozen=True)
class OracleSampler:
    """One way of sampling true labels."""

    kind: str
    """Name in `roadseg.sampling.list_samplers()`."""
    source: str
    """'exact targets' of true labels, 'by its run', 'last labels' of the frame before; or ''."""
    control: Control = dataclasses.field(compare=False)
    """Is called with the frames in their order, from one thread."""
    alpha: float | None = None
    """Weight of the data term of the published grid's exact targets."""


@dataclasses.dataclass(frozen=True)
class SamplerChoice:
    """What `oracle_samplers` needs to know; see `OracleOptions` for the fields."""

    kinds: tuple[str, ...]
    runs: "dict[str, Sampler]"
    grid: tuple[int, int]
    alphas: tuple[float, ...]
    grid_classes: list[int]
    """Train ids whose boundaries attract the published grid; none for all."""
    density: dict[str, Any]
    """Options of samplers by density that have no run."""
    ignore: int


def sampler_runs(given: Sequence[str], strength: float | None = None) -> "dict[str, Sampler]":
    """Return the sampler of each run by its kind, from 'KIND=RUN' or run folders.

    strength: of those by density, in place of their recipes'. 'previous=RUN' is for first frames.
    Raises RoadsegError for folders that are no runs of samplers, runs of another kind than said,
    and two of one kind.
    """
    from roadseg.runs.run_folder import RunFolder
    from roadseg.sampling import list_samplers, make_sampler

    found: dict[str, Sampler] = {}
    for text in given:
        kind, equals, path = text.partition("=")
        named = bool(equals) and kind in list_samplers()
        folder = Path(path if named else text)
        if not RunFolder(folder).exists:
            raise RoadsegError(
                f"--sampler-run {text}: no run there; give a run folder, or KIND=RUN with a kind "
                f"of {', '.join(list_samplers())}"
            )
        sampler = make_sampler(kind, folder) if named else RunFolder(folder).load_sampler()
        # Made again: only now is its kind known, and not every kind has a strength.
        if strength is not None and sampler.kind in ("prior", "density"):
            options = {"strength": strength}
            sampler = make_sampler(sampler.kind, folder, **options)
        if sampler.kind in found:
            raise RoadsegError(f"--sampler-run {text}: a second run for '{sampler.kind}'; name one")
        found[sampler.kind] = sampler
    return found


def check_kinds(kinds: Sequence[str], runs: "dict[str, Sampler]") -> None:
    """Raise RoadsegError for names that are no sampler, and for runs that nothing asks for."""
    from roadseg.sampling import list_samplers

    if not kinds:
        raise RoadsegError(f"--sampler needs one of {', '.join(list_samplers())} at least")
    for kind in kinds:
        if kind not in list_samplers():
            raise RoadsegError(f"--sampler {kind}: there are {', '.join(list_samplers())}")
    if len(set(kinds)) < len(kinds):
        raise RoadsegError(f"--sampler {' '.join(kinds)}: one of them twice; name each once")
    if "prior" in kinds and "prior" not in runs:
        raise RoadsegError(
            "--sampler prior: its density is learned from training records; give "
            "--sampler-run prior=RUN"
        )
    idle = [kind for kind in runs if kind not in kinds]
    if idle:
        raise RoadsegError(
            f"--sampler-run: a run for '{idle[0]}', which --sampler does not name; add it there, "
            "or leave the run out"
        )


def oracle_samplers(choice: SamplerChoice) -> list[OracleSampler]:
    """Return the samplers in the order asked for; exact `nus` once for each weight."""
    samplers = []
    for kind in choice.kinds:
        if kind == "uniform":
            samplers.append(OracleSampler(kind, "", lambda frame: uniform_control()))
        elif kind == "nus" and kind not in choice.runs:
            samplers += [_published(choice, alpha) for alpha in choice.alphas]
        elif kind == "previous":
            first = choice.runs.get(kind)
            samplers.append(OracleSampler(kind, PREVIOUS, _PreviousControl(choice, first)))
        elif kind in choice.runs:
            samplers.append(OracleSampler(kind, PREDICTED, predicted_control(choice.runs[kind])))
        else:
            control = density_control(choice.density, choice.ignore)
            samplers.append(OracleSampler(kind, EXACT, control))
    return samplers


def _published(choice: SamplerChoice, alpha: float) -> OracleSampler:
    def control(frame: Frame) -> np.ndarray:
        return exact_control(frame.label, choice.grid, alpha, choice.grid_classes, choice.ignore)

    return OracleSampler("nus", EXACT, control, alpha)


def uniform_control() -> np.ndarray:
    """Return the smallest grid whose enlargement is uniform, (2, 2, 2)."""
    from roadseg import nus_native

    return nus_native.uniform_grid((2, 2)).astype(np.float32)


def exact_control(
    label: np.ndarray, grid: tuple[int, int], alpha: float, targets: list[int], ignore: int
) -> np.ndarray:
    """Return the exact target grid of a label map, (rows, columns, 2)."""
    from roadseg import nus_native

    return nus_native.boundary_targets(
        label, grid, alpha, target_classes=targets or None, ignore=ignore, threads=1
    )


def predicted_control(sampler: "Sampler") -> Control:
    """Return what gives the control grid that `sampler` predicts from the image alone."""
    import tensorflow as tf

    from roadseg.sampling import project

    @tf.function(reduce_retracing=True, autograph=False)
    def forward(images: Any) -> Any:
        return project(sampler.control(tf.cast(images, tf.float32)))

    return lambda frame: forward(tf.constant(frame.image[None])).numpy()[0]


def density_control(options: dict[str, Any], ignore: int, kind: str = "exact") -> Control:
    """Return what gives the grid of the true density of a label map; uniform where all is void.

    options: of the sampler `kind`. As its `grid_of_labels`, with the density made natively.
    """
    import tensorflow as tf

    from roadseg import nus_native
    from roadseg.sampling import make_sampler, project
    from roadseg.sampling.density_targets import cells_of

    sampler: Any = make_sampler(kind, **options)
    solve = tf.function(
        lambda density: project(sampler.sharp(density)), reduce_retracing=True, autograph=False
    )

    def control(frame: Frame) -> np.ndarray:
        density = nus_native.boundary_density(
            frame.label,
            sampler.cells or cells_of(frame.label.shape[:2]),
            sampler.target_classes or None,
            ignore,
            sampler.class_weights or None,
            sampler.blur,
            threads=1,
        )
        return solve(tf.constant(density[None])).numpy()[0]

    return control


class _PreviousControl:
    """Grids from the true labels of the frame before; of first frames by another sampler."""

    def __init__(self, choice: SamplerChoice, first: Any) -> None:
        self.of_labels = density_control(choice.density, choice.ignore, "previous")
        self.of_image = predicted_control(first) if first is not None else None
        self.cuts = CutDetector()
        self.before: Frame | None = None

    def __call__(self, frame: Frame) -> np.ndarray:
        before, self.before = self.before, frame
        if self.cuts.is_first(frame.image) or before is None:
            return uniform_control() if self.of_image is None else self.of_image(frame)
        return self.of_labels(before)
