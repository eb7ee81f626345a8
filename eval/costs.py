"""What labelling one image costs in multiply-adds: network, auxiliary network, views."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roadseg.metrics.operations import Operations, count_operations
from roadseg.run_folder import RunFolder, build_network

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Cost:
    """Operations of one image. An image wider than the training crop is seen in several views."""

    views: int
    network: Operations
    """One pass of the segmentation network, over the samples of one view."""
    auxiliary: Operations | None
    """One pass of the network that says where to sample; None without it."""

    @property
    def parameters(self) -> int:
        """Trainable values of both networks."""
        return sum(part.parameters for part in self._parts)

    @property
    def macs(self) -> int:
        """Multiply-adds, every output position of every convolution counted."""
        return self.views * sum(part.macs for part in self._parts)

    @property
    def macs_notebook(self) -> int:
        """Multiply-adds as the published notebook counts them."""
        return self.views * sum(part.macs_notebook for part in self._parts)

    @property
    def _parts(self) -> list[Operations]:
        return [part for part in (self.network, self.auxiliary) if part is not None]


def segmenter_cost(segmenter: "keras.Model", size: tuple[int, int]) -> Cost:
    """Return the cost of one image of `size` (height, width) in pixels.

    segmenter: a plain network, or a `SampledSegmenter` around one. Resizing, sampling and
    interpolation are not multiply-adds of a network and are not counted.
    """
    if not hasattr(segmenter, "sampling_size"):
        return Cost(1, count_operations(segmenter, size), None)
    return Cost(
        _views(size, segmenter.view),
        count_operations(segmenter.network, segmenter.sampling_size),
        _auxiliary(segmenter.auxiliary),
    )


def run_cost(run: RunFolder, size: tuple[int, int] | None = None, evaluation: bool = True) -> Cost:
    """Return the cost of one image with the network of `run`; no weights are read.

    size: (height, width), default the run's training crop. evaluation: count the network that
    evaluation and export use (DeepLab: output stride 8), not the one that is trained.
    """
    recipe = run.recipe
    if recipe.task == "sampling":
        return Cost(1, count_operations(build_network(recipe, 0), recipe.auxiliary_input), None)
    size = recipe.crop_size if size is None else size
    network = build_network(recipe, run.num_outputs, evaluation)
    if recipe.sampling == "none":
        return Cost(1, count_operations(network, size), None)
    counted = count_operations(network, recipe.sampling_size)
    auxiliary = None
    if recipe.sampling == "adaptive":
        inner = RunFolder(run.path / "auxiliary")
        auxiliary = run_cost(inner).network
    return Cost(_views(size, recipe.crop_size), counted, auxiliary)


def _views(size: tuple[int, int], view: tuple[int, int] | None) -> int:
    if view is None:
        return 1
    from roadseg.sampling.views import cover

    rows, columns = cover(size, view)
    return int(rows.count) * int(columns.count)


def _auxiliary(auxiliary: Any) -> Operations | None:
    if auxiliary is None:
        return None
    return count_operations(auxiliary.network, auxiliary.input_size)
