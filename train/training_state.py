"""What a checkpoint of training holds: weights, momentum, averages, random state; and back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from roadseg.data_conversion.read.records import RecordSet
from roadseg.errors import RoadsegError
from roadseg.files import read_arrays
from roadseg.runs import checkpoint, damaged
from roadseg.runs.run_folder import RunFolder, variable_arrays
from roadseg.train.step import BaseStep
from roadseg.weights.match import match


def save(
    run: RunFolder,
    step: BaseStep,
    records: RecordSet,
    number: int,
    losses: Sequence[Any] = (),
) -> Path:
    """Write the checkpoint after `number` steps and return its folder.

    losses: of the steps that no curve shows yet; see `losses_before`.
    """
    groups = {
        "weights": variable_arrays(step.model),
        "optimizer": {name: variable.numpy() for name, variable in _optimizer(step).items()},
    }
    if step.optimizer.averages:
        groups["ema"] = {name: variable.numpy() for name, variable in _averages(step).items()}
    state = {
        "examples": records.num_examples,
        "model": step.recipe.model,
        "losses": [float(loss) for loss in losses],
    }
    return checkpoint.write_checkpoint(run.checkpoint_folder, number, groups, state)


def restore(run: RunFolder, step: BaseStep, records: RecordSet) -> int:
    """Set weights, momentum and random state from the newest checkpoint; return its step.

    Damaged ones after it are named and set aside: their steps are trained again.
    Raises RoadsegError for a checkpoint of another network or class count, and for records of
    another number of images: the order of the data would not be the one that was interrupted.
    """
    number, folder = run.find_checkpoint(training=True)
    for _, path, _ in damaged.damaged_after_whole(run.checkpoint_folder, training=True):
        checkpoint.set_aside(path)
    examples = checkpoint.read_state(folder).get("examples")
    if examples != records.num_examples:
        raise RoadsegError(
            f"{folder}: the run began with {examples} images, the records now hold "
            f"{records.num_examples}; go on with the same records or begin another --run"
        )
    path = folder / "weights.npz"
    match(step.model, read_arrays(path), path).apply()
    _assign(_optimizer(step), folder / "optimizer.npz")
    if step.optimizer.averages:
        _assign(_averages(step), folder / "ema.npz")
    return number


def losses_before(run: RunFolder, number: int) -> list[float]:
    """Return the losses of the steps before checkpoint `number` that no curve shows yet.

    The next point of the curve is their mean as well, as if nothing had been interrupted. Older
    checkpoints hold none.
    """
    found = checkpoint.read_state(run.find_checkpoint(number)[1]).get("losses")
    losses = found if isinstance(found, list) else []
    return [loss for loss in losses if isinstance(loss, float)]


def _optimizer(step: BaseStep) -> dict[str, Any]:
    """Return the variables beside the weights: slots, loss scale, states of random layers."""
    variables = step.optimizer.state()
    if step.scale:
        variables["loss_scale"] = step.scale.scale
        variables["loss_scale.good_steps"] = step.scale.good_steps
    weights = {id(weight) for weight in step.model.weights}
    states = [v for v in step.model.variables if id(v) not in weights]
    return variables | {f"random_state.{i}": state for i, state in enumerate(states)}


def _averages(step: BaseStep) -> dict[str, Any]:
    return dict(zip(step.optimizer.names, step.optimizer.averages, strict=True))


def _assign(variables: dict[str, Any], path: Path) -> None:
    arrays = read_arrays(path)
    for name, variable in variables.items():
        value = arrays.get(name)
        if value is None or value.shape != tuple(variable.shape):
            found = "absent" if value is None else f"of shape {value.shape}"
            raise RoadsegError(f"{path}: '{name}' is {found}, wanted shape {tuple(variable.shape)}")
        # Counters have 64 bits on TensorFlow and 32 on JAX.
        variable.assign(value.astype(keras.backend.standardize_dtype(variable.dtype)))
