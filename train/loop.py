"""The training loop: steps, checkpoints, and the way back to exactly where a run was stopped."""

import math
import signal
import time
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

import keras

from roadseg.data_conversion.read.records import RecordSet, readable
from roadseg.errors import RoadsegError
from roadseg.layers.conv_bn import freeze_statistics, synchronise_batch_norm
from roadseg.losses.cross_entropy import Rest
from roadseg.recipe.recipe import Recipe
from roadseg.runs import checkpoint
from roadseg.runs.lock import run_lock
from roadseg.runs.lost import STEP_LIMIT_S, StepLimit, naming_the_lost
from roadseg.runs.run_folder import RunFolder, build_network
from roadseg.runs.workers import is_chief, workers
from roadseg.tasks.table import task_of
from roadseg.train import training_state
from roadseg.train.check import check_devices, check_recipe
from roadseg.train.data.class_weights import class_weights
from roadseg.train.data.pipeline import training_batches
from roadseg.train.data.records import open_training_records, with_rig
from roadseg.train.devices import (
    Strategy,
    choose_strategy,
    distributed_batches,
    first_replica,
    meet,
    precision,
    variable_scope,
)
from roadseg.train.on_jax.check import refuse_backend
from roadseg.train.optim.schedule import rate_at
from roadseg.train.prior import with_frame
from roadseg.train.progress import Progress
from roadseg.train.start.begin import begin_or_resume, load_start
from roadseg.train.start.freeze import freeze
from roadseg.train.step import BaseStep, TrainingStep
from roadseg.train.stop import Agreement, StopSignal
from roadseg.train.summaries import Summaries
from roadseg.train.tasks.table import training_of


def train(
    recipe: Recipe,
    run: RunFolder,
    strategy: Strategy | None = None,
    step_limit_s: float = STEP_LIMIT_S,
) -> int:
    """Train `recipe` in `run` to its last step, going on where an earlier call stopped.

    step_limit_s: see `lost.StepLimit`.
    Returns 0, or 128 + the number of the signal that stopped it after a checkpoint (SIGTERM where
    another worker got it).
    Raises RoadsegError for anything a user can mend: records, weights, another recipe, a full disk,
    another training in the same folder; WorkerLost where another worker is gone.
    """
    # The file of Keras's settings can name one too.
    refuse_backend(recipe, keras.config.backend())
    strategy, recipe = strategy or choose_strategy(), with_rig(recipe)
    check_devices(recipe, strategy)
    with naming_the_lost(strategy):
        records = open_training_records(recipe)
        recipe = with_frame(recipe, records)
        check_recipe(recipe, records.label_table)
        # Of a group that starts again, on another machine, the disk's server may hold the old lock.
        patience_s = 120.0 if len(workers(strategy)) > 1 else 0.0
        with run_lock(run.path, patience_s) if is_chief(strategy) else nullcontext():
            return _train(recipe, run, records, strategy, step_limit_s)


def _train(
    recipe: Recipe,
    run: RunFolder,
    records: RecordSet,
    strategy: Strategy,
    step_limit_s: float,
) -> int:
    begin_or_resume(recipe, run, records, writes=is_chief(strategy))
    step = build(recipe, run, records, strategy)
    start = training_state.restore(run, step, records) if run.checkpoints() else 0
    if len(workers(strategy)) > 1 and not meet(strategy, start):
        raise RoadsegError(
            f"{run.path}: the workers found different checkpoints, this one that of step {start}; "
            "is it the same folder on all of them?"
        )
    if start >= recipe.steps:
        # Killed after its last checkpoint, it may have left older ones.
        if is_chief(strategy):
            _prune(recipe, run)
        return 0
    if not step.model.trainable_variables:
        # A fixed density is counted, not trained by steps.
        if is_chief(strategy):
            training_state.save(run, step, records, recipe.steps)
        return 0
    limit = StepLimit(step_limit_s, strategy)
    with StopSignal() as stop, Progress(recipe, start, is_chief(strategy)) as progress, limit:
        loop = _Loop(recipe, run, step, records, strategy, progress)
        status = loop.run_from(start, stop, limit)
        if len(workers(strategy)) > 1:
            # So that whoever ends well knows that the checkpoint is written.
            meet(strategy)
        return status


def build(recipe: Recipe, run: RunFolder, records: RecordSet, strategy: Strategy) -> BaseStep:
    """Return the step of `recipe` with initial weights, every variable made under `strategy`."""
    keras.utils.set_random_seed(recipe.seed)
    table = records.label_table
    with variable_scope(strategy):
        sampler = run.load_sampler() if task_of(recipe).samples(recipe) else None
        with precision(recipe.precision):
            model = build_network(recipe, task_of(recipe).num_outputs(recipe, table))
        if recipe.batch_norm.momentum:
            set_batch_norm_momentum(model, recipe.batch_norm.momentum)
        if strategy.num_replicas_in_sync > 1:
            synchronise_batch_norm(model, local=recipe.batch_norm.unsynchronised)
        if recipe.batch_norm.frozen:
            freeze_statistics(model)
        if keras.config.backend() == "tensorflow":
            from roadseg.train.fused_norm import fuse_batch_norm

            fuse_batch_norm(model)
        freeze(recipe, model)
        if not run.checkpoints():
            load_start(recipe, model, table)
            batches = partial(training_batches, records=records)
            training_of(recipe).first_weights(recipe, model, batches, records.num_examples)
        weights = class_weights(recipe, run, records, writes=is_chief(strategy))
        rest = None if table.rest is None else Rest(table.rest, table.rest_classes)
        step = _step_class()
        return step(recipe, model, sampler, strategy, table.ignore, weights, rest)


def _step_class() -> type[BaseStep]:
    """Return the step of Keras's backend."""
    if keras.config.backend() == "tensorflow":
        return TrainingStep
    from roadseg.train.on_jax.step import JaxStep

    return JaxStep


class _Loop:
    """The steps from one place to the end, and what happens between them."""

    def __init__(
        self,
        recipe: Recipe,
        run: RunFolder,
        step: BaseStep,
        records: RecordSet,
        strategy: Strategy,
        progress: Progress,
    ):
        self.recipe, self.run, self.step, self.records = recipe, run, step, records
        self.strategy, self.progress, self.chief = strategy, progress, is_chief(strategy)
        self.losses: list[Any] = []
        self.restored = 0  # of these losses, those of steps before this process
        self.start = 0
        self.began = self.saved = self.summed = time.monotonic()

    def run_from(self, start: int, stop: StopSignal, limit: StepLimit) -> int:
        recipe, self.start = self.recipe, start
        if start:
            self.losses = training_state.losses_before(self.run, start)
            self.restored = len(self.losses)
        agreement = Agreement(stop, alone=len(workers(self.strategy)) < 2)
        batches = iter(distributed_batches(recipe, self.records, self.strategy, start))
        summaries = Summaries(self.run, recipe, self.records.label_table) if self.chief else None
        if self.chief:
            self.run.append_metrics({"event": "resumed" if start else "begun", "step": start})
        for number in range(start, recipe.steps):
            batch = self._next(batches, number)
            rate = rate_at(number, recipe)
            loss, asked = self.step.asking(batch, rate, agreement.asks)
            self.losses.append(loss)
            done = number + 1
            stopping = agreement.reached(asked)
            limit.advance()
            self.progress.advance(done)
            if done == recipe.steps or done % recipe.log.summary_every_steps == 0:
                self._report(done, rate, summaries)
            if summaries and recipe.log.pictures_every_steps:
                if done % recipe.log.pictures_every_steps == 0:
                    summaries.pictures(done, self.step, first_replica(self.strategy, batch))
            if done == recipe.steps or stopping or self._due(done):
                self._save(done)
            if stopping and done < recipe.steps:
                if self.chief:
                    self.run.append_metrics({"event": "stopped", "step": done})
                self.progress.message(f"stopped at step {done}; the same command goes on")
                return 128 + (stop.received or signal.SIGTERM)
        return 0

    def _next(self, batches: Iterator[Any], done: int) -> Any:
        """Return the next batch; of damaged records, keep what was trained before refusing."""
        try:
            with readable(self.records):
                return next(batches)
        except RoadsegError:
            if done > self.start:
                self._save(done)
            raise

    def _report(self, done: int, rate: float, summaries: Summaries | None) -> None:
        loss = sum(map(float, self.losses)) / len(self.losses)
        if not math.isfinite(loss):
            raise RoadsegError(
                f"{self.run.path}: the loss is {loss} at step {done}; the last checkpoint is kept, "
                "start another run with a smaller --optimizer.learning-rate"
            )
        seconds = time.monotonic() - self.summed
        steps = len(self.losses) - self.restored
        speed = steps * self.recipe.batch_size / max(seconds, 1e-9)
        self.losses, self.restored, self.summed = [], 0, time.monotonic()
        self.progress.report(done, loss, rate, speed)
        if summaries:
            event = {"loss": loss, "learning_rate": rate, "images_per_second": round(speed, 3)}
            spent = {"seconds": round(time.monotonic() - self.began, 1)}
            self.run.append_metrics({"event": "train", "step": done, **event, **spent})
            summaries.scalars(done, event)

    def _due(self, done: int) -> bool:
        recipe = self.recipe
        if recipe.log.checkpoint_every_steps and done % recipe.log.checkpoint_every_steps == 0:
            return True
        seconds = recipe.log.checkpoint_every_seconds
        return bool(seconds) and time.monotonic() - self.saved >= seconds

    def _save(self, done: int) -> None:
        if not all(math.isfinite(float(loss)) for loss in self.losses):
            self._report(done, math.nan, None)
        if self.chief:
            training_state.save(self.run, self.step, self.records, done, self.losses)
            _prune(self.recipe, self.run)
        self.saved = time.monotonic()


def _prune(recipe: Recipe, run: RunFolder) -> None:
    best = run.best_step()
    spared = [] if best is None else [best]
    checkpoint.prune(run.checkpoint_folder, recipe.log.keep_checkpoints, spared)


def set_batch_norm_momentum(model: keras.Model, momentum: float) -> None:
    """Let every batch normalisation of `model` follow its batches at this momentum.

    The published head keeps 0.9997 of the old value: after 1000 steps three quarters of what it
    normalises by in evaluation are still the initial ones. Short runs need less.
    """
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
