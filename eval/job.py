"""What is evaluated, checked and opened: the input of every task's evaluation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from roadseg.eval.frames import Frame, Prepare, read_frames
from roadseg.eval.inference import InferenceMode
from roadseg.eval.protocols import Protocol
from roadseg.eval.replaced import SamplerArguments
from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe.recipe import Recipe
from roadseg.runs.run_folder import RunFolder

if TYPE_CHECKING:
    from roadseg.sampling import Sampler

Progress = Callable[[int, int], None]
"""Called with (images done, images to do) after each image."""


@dataclass(frozen=True)
class EvaluationOptions:
    """What to evaluate. Everything else is read from the run's recipe."""

    records: Path | None = None
    """Folder of records; None for the recipe's."""
    split: str = "val"
    protocol: str | None = None
    """One of protocols.PROTOCOLS; None for the usual one of the task."""
    interpolation: str | None = None
    """'graph', 'mesh' or 'delaunay'; None for the protocol's own."""
    step: int | Literal["best", "last"] = "last"
    limit: int | None = None
    """Images to take from the start of the split; None for all."""
    batch_size: int = 1
    workers: int | None = None
    """Threads for interpolation and metrics; None for one a core, at most 8."""
    mode: InferenceMode = field(default_factory=InferenceMode)
    """Whole image or tiles, scales, mirror."""
    boundary_f: bool = False
    """Measure the boundary F-score as well."""
    sampling: SamplerArguments = field(default_factory=SamplerArguments)
    """Another sampler than the run's own."""
    dump: Path | None = None
    """Folder for pictures of every prediction; None for no pictures."""


@dataclass(frozen=True)
class Job:
    """A run, a split and a protocol that fit each other."""

    run: RunFolder
    recipe: Recipe
    table: LabelTable
    records: Any
    """What `open_records_of` gave."""
    protocol: Protocol
    options: EvaluationOptions
    sampler: "Sampler | None" = None
    """In place of the run's own."""
    prepare: Prepare | None = None
    """What the protocol does to a frame before it is evaluated."""

    @property
    def images(self) -> int:
        """Images that one evaluation looks at."""
        found: int = self.records.num_examples
        return found if self.options.limit is None else min(found, self.options.limit)

    def frames(self) -> Iterator[Frame]:
        """Yield the images and labels to evaluate, cut as the protocol asks."""
        return read_frames(self.records, self.protocol.crop, self.options.limit, self.prepare)

    def origin(self, step: int) -> dict[str, Any]:
        """Return the fields of a result that say what it is of."""
        return {
            "run": self.run.path.resolve().name,
            "recipe": self.recipe.name,
            "step": step,
            "split": self.options.split,
            "protocol": self.protocol.name,
            "interpolation": self.protocol.interpolation,
            "limit": self.options.limit,
            "mode": self.protocol.mode,
            "sampler": self.options.sampling.label,
        }
