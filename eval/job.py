"""What is evaluated, checked and opened: the input of every task's evaluation."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from roadseg.eval.frames import Frame, Prepare, read_frames
from roadseg.eval.replaced import SamplerArguments
from roadseg.eval.scoring import in_threads
from roadseg.eval.spread import ALONE, Group
from roadseg.files import Arrays
from roadseg.label_tables.label_table import LabelTable
from roadseg.recipe.protocol import Protocol
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
    protocol: Protocol | str | None = None
    """One, or the name of one of `PROTOCOLS`; None for the recipe's."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the protocol that are to differ: interpolation, tile, scales, flip, ..."""
    step: int | Literal["best", "last"] = "last"
    max_images: int | None = None
    """Images to take from the start of the split; None for all."""
    batch_size: int = 1
    workers: int | None = None
    """Threads for interpolation and metrics; None for one a core, at most 8."""
    boundary_f: bool = False
    """Measure the boundary F-score as well."""
    sampling: SamplerArguments = field(default_factory=SamplerArguments)
    """Another sampler than the run's own."""
    save_predictions: Path | None = None
    """Folder for pictures of every prediction; None for no pictures."""


def crop_of(protocol: Protocol, recipe: Recipe) -> tuple[int, int] | None:
    """Return (height, width) of the crop that a protocol evaluates; None for the full image."""
    return recipe.augment.crop_size if protocol.region == "central_crop" else None


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
    group: Group = ALONE
    """Who evaluates: this process, or several workers."""

    @property
    def images(self) -> int:
        """Images that one evaluation looks at, over all workers."""
        found: int = self.records.num_examples
        return found if self.options.max_images is None else min(found, self.options.max_images)

    @property
    def places(self) -> list[int] | None:
        """Places of the images that this worker evaluates; None for all."""
        if self.group.count == 1:
            return None
        return self.group.places(self.images, self.options.batch_size)

    def frames(self) -> Iterator[Frame]:
        """Yield the images and labels to evaluate here, cut as the protocol asks."""
        limit = self.options.max_images
        return read_frames(self.records, self.crop, limit, self.prepare, self.places)

    def pairs(self) -> Iterator[dict[str, Any]]:
        """Yield the decoded pairs of images to evaluate here, of records of two cameras."""
        if self.places is None:
            return islice(self.records.examples(), self.images)
        examples: Iterator[dict[str, Any]] = self.records.examples(self.places)
        return examples

    def in_order(
        self, measure: Iterable[Callable[[], Arrays]], progress: Progress | None = None
    ) -> Iterator[Arrays]:
        """Yield what was measured of each image by all workers, in file order.

        measure: what measures the images of this worker, one each; called in threads.
        """
        measured = in_threads(measure, self.options.workers)
        ordered = self.group.in_order(measured, self.images, self.options.batch_size)
        for done, arrays in enumerate(ordered, 1):
            yield arrays
            if progress:
                progress(done, self.images)

    @property
    def crop(self) -> tuple[int, int] | None:
        """(height, width) of the central crop that is evaluated; None for the full image."""
        return crop_of(self.protocol, self.recipe)

    def origin(self, step: int) -> dict[str, Any]:
        """Return the fields of a result that say what it is of."""
        return {
            "run": self.run.path.resolve().name,
            "recipe": self.recipe.name,
            "step": step,
            "split": self.options.split,
            "protocol": self.protocol,
            "limit": self.options.max_images,
            "sampler": self.options.sampling.label,
        }
