"""Trains a density network further by the loss of the segmentation network behind it.

    python docs/examples/learn_where_the_loss_falls.py runs/density-0 runs/density-by-loss-0

The first is a run behind the sampler `density`. Its network stays as it is; the loss goes back
through interpolation and sampling to the densities, whose cross-entropy with the boundaries counts
beside it. The second becomes a run of a sampler, for --sampler-run. What came of it:
docs/results/sampling.md.
Source: Jin et al. 2022 (Learning to Downsample for Segmentation of Ultra-High Resolution Images).
"""

import argparse
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from roadseg.layers.heads import main_logits
from roadseg.losses.criteria import mean
from roadseg.losses.density import density_cross_entropy
from roadseg.ops.resize import resize_bilinear, resize_nearest
from roadseg.runs.checkpoint import write_checkpoint
from roadseg.runs.run_folder import RunFolder, variable_arrays
from roadseg.sampling import boundary_density, enlarge, project, sample, unsample
from roadseg.train import training_state
from roadseg.train.data.pipeline import training_batches
from roadseg.train.data.records import open_training_records
from roadseg.train.devices import choose_strategy
from roadseg.train.loop import build


def main() -> None:
    """Read the command line, learn, and write the sampler's run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, help="a run behind the sampler density")
    parser.add_argument("to", type=Path, help="the sampler's new run")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--rate", type=float, default=5e-4, help="of Adam; falls to 0")
    parser.add_argument("--weight", type=float, default=0.3, help="of the cross-entropy")
    learn(**vars(parser.parse_args()))


def learn(run: Path, to: Path, steps: int, rate: float, weight: float) -> None:
    """Write to `to` the run of the density sampler of `run`, trained `steps` steps further."""
    if to.exists():
        raise SystemExit(f"{to}: is there already; name another folder")
    source = RunFolder(run)
    if source.recipe.sampling.kind != "density":
        raise SystemExit(f"{run}: samples by '{source.recipe.sampling.kind}', not by 'density'")
    # Crops in another order than those that its network learned from.
    recipe = source.recipe.replace(seed=source.recipe.seed + 100)
    records = open_training_records(recipe)
    step = build(recipe, source, records, choose_strategy())
    training_state.restore(source, step, records)
    network = step.sampler.network
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps))
    update = _update(step, optimizer, weight)
    found = []
    for done, batch in enumerate(training_batches(recipe, records).take(steps), 1):
        found.append([float(value) for value in update(batch)])
        if done % 25 == 0 or done == steps:
            loss, entropy = np.mean(found[-25:], axis=0)
            print(f"step {done}/{steps}  loss {loss:.4f}  cross-entropy {entropy:.4f}", flush=True)
    _write(source.sampler_folder, RunFolder(to), network)
    print(f"sampler in {to}; next: roadseg train ... --sampler density --sampler-run {to}")


def _update(step: Any, optimizer: keras.optimizers.Optimizer, weight: float) -> Any:
    """Return one step: from a batch to the loss of the network and the density's cross-entropy."""
    sampler, size = step.sampler, step.recipe.sampling.size
    cells = tuple(sampler.network.output_shape[1:3])
    part = 2 if step.recipe.loss.size == "half" else 1

    @tf.function(autograph=False)
    def update(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        images = tf.cast(batch["image"], tf.float32)
        labels = batch["label"]
        wanted = boundary_density(labels, cells, sampler.target_classes, step.ignore)
        height, width = (-(-side // part) for side in labels.shape[1:3])
        labels = resize_nearest(labels[..., None], (height, width))[..., 0]
        with tf.GradientTape() as tape:
            logits = sampler.logits(images, training=False)
            flat = tf.reshape(logits, (tf.shape(logits)[0], -1))
            share = tf.reshape(tf.nn.softmax(flat), tf.shape(logits))
            share = tf.ensure_shape(share, logits.shape)
            grid = enlarge(project(sampler.equidistribution(share)), size)
            classes = main_logits(step.model(_seen(images, grid), training=False))
            classes = resize_bilinear(tf.cast(classes, tf.float32), size)
            classes = unsample(classes, grid, (height, width))
            loss = mean(step.criterion.terms({"logits": classes}, labels))
            total, count = density_cross_entropy(logits, wanted)
            both = loss + weight * total / count
        variables = sampler.network.trainable_variables
        gradients, _ = tf.clip_by_global_norm(tape.gradient(both, variables), 1.0)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss, total / count

    return update


def _seen(images: tf.Tensor, grid: tf.Tensor) -> tf.Tensor:
    """Return the pixels that the network sees, whose gradient is that of bilinear ones."""
    last = np.array(images.shape[1:3], np.float32) - 1
    place = grid * last
    first = tf.minimum(tf.floor(tf.stop_gradient(place)), last - 1)
    down, along = tf.split(place - first, 2, axis=-1)

    def at(row: int, column: int) -> tf.Tensor:
        return tf.gather_nd(images, tf.cast(first, tf.int32) + [row, column], batch_dims=1)

    upper = at(0, 0) * (1 - along) + at(0, 1) * along
    lower = at(1, 0) * (1 - along) + at(1, 1) * along
    smooth = upper * (1 - down) + lower * down
    return smooth + tf.stop_gradient(sample(images, grid) - smooth)


def _write(source: RunFolder, to: RunFolder, network: keras.Model) -> None:
    number, folder = source.find_checkpoint()
    state = {"copied_from": str(folder)}
    write_checkpoint(to.checkpoint_folder, number, {"weights": variable_arrays(network)}, state)
    to.begin(source.recipe, source.label_table)


if __name__ == "__main__":
    main()
