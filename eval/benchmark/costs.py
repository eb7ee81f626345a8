"""Multiply-adds of labelling one image: network, sampler, windows, interpolation to pixels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roadseg.models.operation_counts import Operations, count_operations
from roadseg.runs.run_folder import RunFolder, build_network
from roadseg.tasks.table import task_of

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Cost:
    """Operations of one image, which may be seen in several windows."""

    views: int
    """Windows that are sampled one by one; 1 where the whole image is."""
    network: Operations
    """One pass of the segmentation network, over the samples of one window."""
    sampler: Operations | None
    """One pass of the network that says where to sample; None without it."""
    solver: int = 0
    """Multiply-adds of the solver that turns a density into a grid."""
    interpolation: int = 0
    """Multiply-adds that bring every logit from samples to the pixels of one window; not part of
    `macs`, as enlargements of plain networks are not. Labels alone take a part of it."""

    @property
    def parameters(self) -> int:
        """Trainable values of both networks."""
        return sum(part.parameters for part in self._parts)

    @property
    def macs(self) -> int:
        """Multiply-adds, every output position of every convolution counted."""
        return self.views * (self.solver + sum(part.macs for part in self._parts))

    @property
    def sampler_macs(self) -> int:
        """Multiply-adds of the sampler and its solver, all windows."""
        return self.views * (self.solver + (self.sampler.macs if self.sampler else 0))

    @property
    def macs_nus(self) -> int:
        """Multiply-adds as the published notebook counts them."""
        return self.views * sum(part.macs_nus for part in self._parts)

    @property
    def _parts(self) -> list[Operations]:
        return [part for part in (self.network, self.sampler) if part is not None]


def segmenter_cost(segmenter: "keras.Model", size: tuple[int, int]) -> Cost:
    """Return the cost of one image of `size` (height, width) in pixels.

    segmenter: a plain network, or a `SampledSegmenter` around one. Resizing and sampling are not
    multiply-adds of a network and are not counted.
    """
    if not hasattr(segmenter, "sampler"):
        return Cost(1, count_operations(segmenter, size), None)
    network = count_operations(segmenter.network, segmenter.size)
    return _sampled_cost(network, segmenter, size)


def run_cost(run: RunFolder, size: tuple[int, int] | None = None, evaluation: bool = True) -> Cost:
    """Return the cost of one image with the network of `run`; no weights are read.

    size: (height, width), default the run's training crop. evaluation: count the network that
    evaluation and export use (DeepLab: output stride 8), not the one that is trained.
    """
    recipe = run.recipe
    if task_of(recipe).is_sampler:
        network = build_network(recipe, 0)
        own = network.input_shape[1:3]
        # That of a prior takes images of every size, and looks at none.
        return Cost(1, count_operations(network, (1, 1) if None in own else own), None)
    size = recipe.augment.crop_size if size is None else size
    network = build_network(recipe, run.num_outputs, evaluation)
    if recipe.sampling.kind == "none":
        return Cost(1, count_operations(network, size), None)
    from roadseg.sampling import SampledSegmenter

    window = recipe.augment.crop_size if recipe.sampling.window == "crop" else None
    sampled = SampledSegmenter(network, untrained_sampler(run), recipe.sampling.size, window)
    return segmenter_cost(sampled, size)


def untrained_sampler(run: RunFolder) -> Any:
    """Return the sampler before the network of `run`, with first weights: for counting alone."""
    from roadseg.sampling import UniformSampler
    from roadseg.sampling.trained import trained_sampler

    if run.recipe.sampling.kind == "uniform":
        return UniformSampler()
    own = run.sampler_folder.recipe
    return trained_sampler(own, build_network(own, 0))


def _sampled_cost(network: Operations, segmenter: Any, size: tuple[int, int]) -> Cost:
    sampler, window = segmenter.sampler, segmenter.window
    rows, columns = _windows(size, window)
    seen = size if window is None else (int(rows.extent), int(columns.extent))
    classes = int(network_classes(segmenter.network))
    height = segmenter.size[0]
    # Two passes: along the rows of samples to every pixel column, then down every column.
    interpolation = (classes + 1) * height * seen[1] + classes * seen[0] * seen[1]
    inner = getattr(sampler, "network", None)
    counted = count_operations(inner, sampler.input_size) if inner is not None else None
    solver = getattr(sampler, "equidistribution", None)
    cost = solver.macs(sampler.cells) if solver is not None else 0
    count = int(rows.count) * int(columns.count)
    return Cost(count, network, counted, cost, interpolation)


def network_classes(network: "keras.Model") -> int:
    """Return how many logits `network` gives a pixel."""
    from roadseg.layers.heads import main_logits

    return int(main_logits(network.output).shape[-1])


def _windows(size: tuple[int, int], window: tuple[int, int] | None) -> Any:
    from roadseg.sampling.windows import cover

    return cover(size, size if window is None else window)
