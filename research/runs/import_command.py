"""`roadseg import-weights`: a published checkpoint to arrays of roadseg, or to a whole run."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from roadseg.command_line.arguments import parse
from roadseg.command_line.options import parse_options
from roadseg.errors import RoadsegError
from roadseg.files import refuse_unwritable
from roadseg.models.options import options_of
from roadseg.network_names import refuse_unknown_network

if TYPE_CHECKING:
    import keras

    from roadseg.models.original import Original
    from roadseg.weights.match import Match

EXAMPLE = """\
roadseg import-weights mobilenet_v2_1.0_224.tgz --to weights.npz
roadseg import-weights espnet_p2_q8_camvid.npz --model espnet --num-classes 12 \\
    --options p=2 q=8 normalisation=espnet_camvid --label-table camvid --to runs/espnet_camvid"""


@dataclass(frozen=True)
class Arguments:
    """Read a published checkpoint and check that every name and shape has its place. Write the
    arrays under roadseg's own names (--to weights.npz, for `roadseg train
    --start.initial-weights`), or a run folder for eval, predict and export. Names that do not fit
    are listed.
    """

    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
    """PyTorch .pth (extra `torch`) or .npz with the original's names; TF-slim archive (.tgz) or
    checkpoint prefix; Keras .h5; 'imagenet'. A backbone without head (ImageNet) gives an .npz."""
    to: Path
    """The .npz to write, or the run folder."""
    model: str = "deeplabv3_mobilenet_v2"
    """Network, one of registry.list_models()."""
    num_classes: int | None = None
    """Outputs of the network: the label table's classes (19 without one), or one more: void."""
    options: list[str] = field(default_factory=list)
    """Further arguments of the network's builder, each as name=value."""
    label_table: str = ""
    """For a run folder: a data set's name, or a label_table.json."""
    records: str = "records"
    """For a run folder: the records it is evaluated on unless others are named."""
    sampler: bool = False
    """Read the sampling network of NUS instead of --model."""


def main(argv: Sequence[str]) -> int:
    """Read, check, write; return 0. Raises RoadsegError for what does not fit."""
    arguments = parse(Arguments, argv, command="import-weights", example=EXAMPLE)
    _refuse_early(arguments)
    # For what it refuses: nothing was loaded yet.
    _options(arguments)
    if arguments.to.suffix == ".npz":
        model, found = _read(arguments, arguments.num_classes or 19)
        write_npz(arguments.to, model, found.taken)
    else:
        found = _import_run(arguments)
    print(f"{arguments.to}: {found}")
    return 0


def write_npz(target: Path, model: "keras.Model", paths: Sequence[str]) -> None:
    """Write the weights of `model` at `paths`, by path, whole or not at all.

    Raises RoadsegError where the folder cannot be written.
    """
    import numpy as np

    from roadseg.files import write_arrays
    from roadseg.layers.introspection import weights

    found = weights(model)
    arrays = {path: np.asarray(found[path][1]) for path in paths}
    write_arrays(target, arrays)


def _import_run(arguments: Arguments) -> "Match":
    if arguments.sampler or not arguments.label_table:
        raise RoadsegError(
            f"--to {arguments.to}: name an .npz, or make it a run folder: that of a network "
            "(--model) with its classes (--label-table)"
        )
    from roadseg.runs import imported_run
    from roadseg.runs.run_folder import RunFolder
    from roadseg.tasks.table import task_of

    run, table = RunFolder(arguments.to), imported_run.find_label_table(arguments.label_table)
    recipe = imported_run.new_recipe(
        run,
        arguments.source,
        arguments.model,
        _options(arguments),
        table,
        arguments.num_classes,
        arguments.records,
    )
    model, found = _read(arguments, task_of(recipe).num_outputs(recipe, table))
    imported_run.write_run(run, recipe, table, model, found)
    return found


def _read(arguments: Arguments, num_classes: int) -> tuple["keras.Model", "Match"]:
    """Return the network with the weights of the source, and which those are."""
    from roadseg.weights.match import ForeignWeights, WrongShape
    from roadseg.weights.read import read_weights

    model, original = _network(arguments, num_classes, _options(arguments))
    try:
        return model, read_weights(model, arguments.source, original, head=_whole(arguments))
    except ForeignWeights as error:
        if error.backbone_alone:
            raise RoadsegError(
                f"{error}; an .npz of it (--to x.npz) starts a training, a run labels images"
            ) from None
        print(error.listing, file=sys.stderr)
        # Without the names, which were listed just now.
        raise type(error)(f"{error}{_hint(arguments, num_classes)}", (), ()) from None
    except WrongShape as error:
        raise WrongShape(f"{error}{_hint(arguments, num_classes)}") from None


def _whole(arguments: Arguments) -> bool:
    """Return whether the source has to have a head: a run labels, an .npz may start a training."""
    return arguments.to.suffix != ".npz"


def _hint(arguments: Arguments, num_classes: int) -> str:
    """Return which one option, and to what value, would make the source fit; '' if none does."""
    if arguments.sampler:
        return ""
    from roadseg.weights.missing_option import neighbours
    from roadseg.weights.read import fits

    for words in neighbours(arguments.model, _options(arguments)):
        try:
            model, original = _network(arguments, num_classes, words)
        except RoadsegError:
            continue
        if fits(model, arguments.source, original, _whole(arguments)):
            given = _options(arguments)
            new = [f"{name}={value}" for name, value in words.items() if given.get(name) != value]
            return f"; it fits with --options {' '.join(new)}"
    return ""


def _network(
    arguments: Arguments, num_classes: int, options: dict[str, Any]
) -> tuple["keras.Model", "Original"]:
    """Return a new network with these options, and the naming of its original."""
    if arguments.sampler:
        from roadseg.models.nus_sampler import nus_sampler
        from roadseg.weights.read import NUS_SAMPLER

        try:
            return nus_sampler(**options), NUS_SAMPLER
        except RoadsegError:
            raise
        except (TypeError, ValueError) as error:
            raise RoadsegError(f"--sampler: {error}") from None
    from roadseg.models import registry
    from roadseg.weights.read import original_of

    model = registry.create(arguments.model, num_classes, **options)
    return model, original_of(arguments.model)


def _options(arguments: Arguments) -> dict[str, Any]:
    if not arguments.options:
        return {}
    if arguments.sampler:
        from roadseg.models.nus_sampler import nus_sampler

        return parse_options(nus_sampler, arguments.options)
    return options_of(arguments.model, arguments.options)


def _refuse_early(arguments: Arguments) -> None:
    """Raise RoadsegError for what can be said before a framework is imported."""
    path = Path(arguments.source).expanduser()
    if not arguments.sampler:
        refuse_unknown_network(arguments.model)
    refuse_unwritable(arguments.to)
    if arguments.source != "imagenet" and not path.is_file():
        if path.is_dir() or not Path(f"{path}.index").is_file():
            raise RoadsegError(f"{arguments.source}: no such file; check the path")
