"""What `import roadseg` offers beside networks: a few lines each, over the commands' own functions.

Each function imports what it needs when it is called: bad input is refused before TensorFlow is
loaded, and this file is the one, beside the table of commands, that knows the other folders.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from roadseg.errors import RoadsegError
from roadseg.recipe.protocol import Protocol
from roadseg.recipe.recipe import Recipe
from roadseg.runs.run_folder import RunFolder

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from roadseg.eval.results.base import BaseResult
    from roadseg.inference.inference import Inference
    from roadseg.label_tables.label_table import LabelTable

Step = int | Literal["best", "last"]


def create(
    name: str,
    num_classes: int | None = None,
    *,
    weights: str | None = None,
    part: Literal["all", "backbone", "fitting"] = "all",
    **options: Any,
) -> "keras.Model":
    """Return a network: RGB images (batch, height, width, 3), 0..255, to logits of that size.

    name: one of `list_models()`, or "package.module:function". Those of the task "two_cameras" take
        and give a dict, "wide" and "narrow"; "flow" takes "first" and "second" and gives flows.
    num_classes: at least 1; left out for a flow, and may be with the weights of a preset.
    weights: 'cityscapes' and the like, of a preset of this network (`roadseg list`), fetched on
        first use; a file that `roadseg import-weights` takes; or a run, whose options and number of
        classes the network has unless others are given; None: untrained. Layers of another number
        of classes keep their first values, which is said on standard error.
    part: of `weights` that is taken: 'all'; 'backbone', whatever head is beside it; or 'fitting',
        every variable whose name and shape fit.
    options: keyword arguments of that network's builder (`input_shape`, `output_stride`, ...);
        auxiliary_heads=False also for networks that never have any.
    Raises RoadsegError for an unknown name or option, or a value that the network refuses.
    """
    if weights is None:
        from roadseg.models import registry

        return registry.create(name, num_classes, **options)
    run = RunFolder(Path(weights).expanduser())
    if run.exists:
        return _create_from_run(name, num_classes, run, options, part)
    from roadseg.weights.published import create_with_weights

    return create_with_weights(name, num_classes, weights, options, part=part)


def _create_from_run(
    name: str,
    num_classes: int | None,
    run: RunFolder,
    options: dict[str, Any],
    part: Literal["all", "backbone", "fitting"],
) -> "keras.Model":
    """Return the network `name` with the newest weights of `run`, averaged ones if it has them."""
    from roadseg.runs import checkpoint
    from roadseg.weights.published import create_with_arrays

    _, folder = run.find_checkpoint()
    if run.recipe.model == name:
        options = {**run.recipe.network.options, **options}
    classes = num_classes or run.num_outputs
    arrays = checkpoint.read_weights(folder)
    return create_with_arrays(name, classes, arrays, folder, options, part)


def dataset(
    path: str | Path,
    split: str = "train",
    batch_size: int = 8,
    crop_size: tuple[int, int] | None = None,
    flip: bool = True,
    scales: tuple[float, float] | None = (0.5, 2.0),
    heads: Sequence[str] | None = None,
    *,
    training: bool | None = None,
    padding: Literal["grey", "black"] = "grey",
    colour_jitter: float = 0.0,
    blur_sigma: tuple[float, float] = (0.0, 0.0),
    shuffle_buffer: int = 100,
    cache: Literal["none", "encoded", "decoded"] = "none",
    seed: int = 0,
) -> "tf.data.Dataset":
    """Return batches (image, label) of a split of the records at `path`, for `model.fit`.

    image: (batch, height, width, 3) float32, RGB, 0..255, as every network of this package takes
        them; label: (batch, height, width) int32 train ids, the table's ignore value where none is.
    training: random crops without end, of which `steps_per_epoch` makes epochs; or, if False, every
        image once, whole and in order, where batch_size and heads alone mean something. None:
        whether the name of the split begins with 'train'.
    crop_size: (height, width); None: that of the images, which then have to be of one size.
        Smaller images are padded, their labels with 255.
    flip: mirror every second crop. scales: smallest and largest random scale; None for none.
    heads: names of a network's outputs, each of which then gets the label, in a dict.
    padding, colour_jitter, blur_sigma, shuffle_buffer, cache: as the fields of `Recipe`.
    seed: the same seed gives the same batches.
    Raises RoadsegError for an argument that means nothing, and for records that are not there, are
    damaged, or are of several sizes where one is needed.
    """
    from roadseg.train.data.dataset import dataset as batches

    return batches(
        path,
        split,
        training=training,
        batch_size=batch_size,
        heads=heads,
        crop_size=crop_size,
        flip=flip,
        scales=scales,
        padding=padding,
        colour_jitter=colour_jitter,
        blur_sigma=blur_sigma,
        shuffle_buffer=shuffle_buffer,
        cache=cache,
        seed=seed,
    )


def load(
    source: Path | str | None = None,
    step: Any = None,
    *,
    protocol: Protocol | str | None = None,
    label_table: "LabelTable | str | None" = None,
    weights_folder: Path | str | None = None,
) -> "Inference":
    """Return what labels images: `roadseg.load("dabnet/cityscapes").predict_labels("street.jpg")`.

    source: a preset (`roadseg list presets`), fetched on first use; a run folder; a folder that
        `roadseg export` wrote, in any format whose runtime is installed; a `.keras` file. None: the
        network that comes with the package.
    step: of a run: a checkpoint's, 'best', or None for the last one.
    protocol: how images are shown to it: 'sfsegnets', Protocol(tile=832, flip=True); None: as the
        score of a preset was counted, else whole images.
    label_table: of a `.keras` file: a `LabelTable`, or the name of one; None numbers the classes.
    weights_folder: where a preset's weights are looked for first; None: $ROADSEG_WEIGHTS.
    Raises RoadsegError for whatever `source` is not, and for options that it does not take.
    """
    from roadseg.data_conversion.raw.pictures import read_picture
    from roadseg.runs.load import load_inference

    return load_inference(source, step, label_table, weights_folder, read_picture, protocol)


def get_recipe(name: str) -> Recipe:
    """Return the published recipe `name`, of `list_recipes()`; RoadsegError names near ones."""
    from roadseg.train.recipes import get

    return get(name)


def list_recipes() -> list[str]:
    """Return the names of the published recipes, sorted."""
    from roadseg.train.recipes import RECIPES

    return sorted(RECIPES)


def train_recipe(
    recipe: Recipe | str,
    run: str | Path | RunFolder | None = None,
    *,
    strategy: "tf.distribute.Strategy | None" = None,
) -> RunFolder:
    """Train a recipe, or go on with a run that was stopped, and return its folder.

    recipe: one, or the name of a published one. run: its folder; None: runs/NAME.
    strategy: None: all GPUs there are, as `roadseg train`.
    Raises RoadsegError for anything a user can mend, and KeyboardInterrupt where a signal stopped
    it, after a checkpoint: the same call goes on from there.
    """
    recipe = get_recipe(recipe) if isinstance(recipe, str) else recipe
    folder = run if isinstance(run, RunFolder) else RunFolder(run or Path("runs") / recipe.name)
    from roadseg.train.early import refuse_early

    refuse_early(recipe, folder)
    from roadseg.train.loop import train

    if train(recipe, folder, strategy):
        raise KeyboardInterrupt(f"{folder.path}: stopped; the same call goes on from there")
    return folder


def evaluate(
    run: str | Path | RunFolder,
    split: str = "val",
    step: Step = "last",
    *,
    records: str | Path | None = None,
    protocol: Protocol | str | None = None,
    max_images: int | None = None,
    store: bool = True,
) -> "BaseResult":
    """Return the metrics of a checkpoint on a split, as `roadseg eval` gives them.

    records: their folder; None: the recipe's. protocol: its name, or one; None: the recipe's.
    max_images: of the start of the split; None: all. store: keep the result in the run folder too.
    The result of a segmentation network has `miou`, `iou` by class name, and more.
    Raises RoadsegError for whatever does not fit: run, checkpoint, records, split, protocol.
    """
    folder = run if isinstance(run, RunFolder) else RunFolder(run)
    folder.check(None if step == "last" else step)
    from roadseg.eval import evaluation, watch
    from roadseg.eval.job import EvaluationOptions

    options = EvaluationOptions(
        records=None if records is None else Path(records),
        split=split,
        protocol=protocol,
        step=step,
        max_images=max_images,
    )
    evaluation.refuse_early(folder, options)
    if not store:
        return evaluation.evaluate(folder, options)
    job = evaluation.Evaluation(folder, options)
    found = job.find_step()
    result = watch.evaluate_and_store(job, found)
    if result is None:
        raise RoadsegError(f"{folder.checkpoint_folder}: step {found} was pruned; try again")
    return result


def export_model(
    run: str | Path | RunFolder,
    format: str = "saved_model",  # noqa: A002
    step: Step = "last",
    to: str | Path | None = None,
    size: tuple[int, int] | None = None,
    *,
    precision: str = "float32",
    calibration: str | Path | None = None,
    calibration_images: int = 50,
    seed: int = 0,
    records: str | Path | None = None,
    split: str = "val",
    verdict_images: int | None = None,
    allow_loss: float | None = None,
    outputs: Sequence[str] = ("labels",),
    input_format: str = "rgb",
) -> Path:
    """Export a checkpoint of a run and return the folder that was written.

    run: its folder, or the name of a preset (`roadseg list presets`), which has no steps.
    format: 'saved_model', 'onnx', 'litert' or 'openvino', each of the last three with the extra of
    that name. to: the folder; None: export/FORMAT in the run folder. An older export is replaced.
    size: height and width of the one image that it takes at a time; None: any images of any size.
    precision: 'float32', 'float16' or 'int8'. outputs: of 'labels', 'logits', 'probabilities' and
    'confidence'. input_format: 'rgb' or 'nv12'. The others as the options of `roadseg export`.
    Raises RoadsegError as `roadseg export` does.
    """
    from roadseg.export.command import export_preset, export_run
    from roadseg.export.interface import Interface
    from roadseg.export.precision.options import Precision
    from roadseg.weights.presets import PRESETS

    folders = [None if path is None else Path(path) for path in (to, calibration, records)]
    target, images, labelled = folders
    options = Precision(
        precision, images, calibration_images, seed, labelled, split, verdict_images, allow_loss
    )
    interface = Interface(tuple(outputs), input_format)
    if str(run) in PRESETS:
        return export_preset(str(run), format, target, size, options, interface)
    path = run.path if isinstance(run, RunFolder) else Path(run)
    return export_run(path, format, str(step), target, size, options, interface)
