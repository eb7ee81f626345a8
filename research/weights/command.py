"""`roadseg import-weights`: a published checkpoint to an `.npz` with roadseg's own names."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from roadseg.arguments import parse
from roadseg.errors import RoadsegError

if TYPE_CHECKING:
    import keras

    from roadseg.weights.initial import Original

EXAMPLE = "roadseg import-weights mobilenet_v2_1.0_224.tgz --to weights.npz"


@dataclass(frozen=True)
class Arguments:
    """Read a published checkpoint, check every name and shape, and write the arrays under roadseg's
    own names, for `roadseg train --initial-weights weights.npz`. A head that is missing as a whole
    (ImageNet) is left out; anything else has to fit.
    """

    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
    """'imagenet', TF-slim archive (.tgz) or checkpoint prefix, Keras .h5, or .npz."""
    to: Path
    """The .npz to write."""
    model: str = "deeplabv3_mobilenet_v2"
    """Network, one of roadseg.list_models()."""
    num_classes: int = 19
    """Classes of the head."""
    auxiliary: bool = False
    """Read the auxiliary (sampling) network instead of --model."""
    option: list[str] = field(default_factory=list)
    """Further arguments of the network's builder, each as name=value."""


def main(argv: Sequence[str]) -> int:
    """Read, check, write; return 0. Raises RoadsegError for what does not fit."""
    arguments = parse(Arguments, argv, command="import-weights", example=EXAMPLE)
    if arguments.to.suffix != ".npz":
        raise RoadsegError(f"--to {arguments.to}: the result is an .npz; name it so")
    model, original = _network(arguments)

    from roadseg.weights.initial import read_weights

    assigned = read_weights(model, arguments.source, original)
    write_npz(arguments.to, model, assigned.taken)
    print(f"{arguments.to}: {assigned}")
    return 0


def write_npz(target: Path, model: "keras.Model", paths: Sequence[str]) -> None:
    """Write the weights of `model` at `paths`, by path, whole or not at all.

    Raises RoadsegError where the folder cannot be written.
    """
    import numpy as np

    from roadseg import checkpoint
    from roadseg.layers.walk import weights

    found = weights(model)
    arrays = {path: np.asarray(found[path][1]) for path in paths}
    checkpoint.write_arrays(target, arrays)


def _network(arguments: Arguments) -> tuple["keras.Model", "Original"]:
    """Return a new network and the naming of its original."""
    options = dict(_option(text) for text in arguments.option)
    if arguments.auxiliary:
        from roadseg.models.auxiliary import auxiliary_network
        from roadseg.weights.initial import AUXILIARY

        try:
            return auxiliary_network(**options), AUXILIARY
        except (TypeError, ValueError) as error:
            raise RoadsegError(f"auxiliary network: {error}") from None
    import roadseg
    from roadseg.weights.initial import original_of

    model = roadseg.create(arguments.model, arguments.num_classes, **options)
    return model, original_of(arguments.model)


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise RoadsegError(f"--option {text}: write it as name=value")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
