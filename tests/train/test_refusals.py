"""Messages of training that no other test raises: one line each."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from roadseg.files import write_arrays
from roadseg.runs.run_folder import RunFolder
from roadseg.train import half_weights, training_state
from roadseg.train.check import check_devices, check_recipe
from roadseg.train.command import main
from roadseg.train.data import centroid_cache
from roadseg.train.early import refuse_early
from roadseg.train.loop import _Loop
from roadseg.train.overrides import override
from roadseg.train.prior import with_frame
from roadseg.train.recipes import get
from roadseg.train.start import begin
from roadseg.train.start.freeze import layer_prefixes
from roadseg.train.tasks.flow import recorded_pair
from tests.support import assert_refused
from tests.train import tiny


def centroids_of_others(folder: Path) -> None:
    write_arrays(folder / "c.npz", {"fingerprint": np.array("other")})
    centroid_cache._read(folder / "c.npz", "mine", None)


def centroids_without_places(folder: Path) -> None:
    write_arrays(folder / "c.npz", {"fingerprint": np.array("mine")})
    centroid_cache._read(folder / "c.npz", "mine", None)


def a_weight_of_another_shape(folder: Path) -> None:
    write_arrays(folder / "w.npz", {"w": np.zeros(3)})
    training_state._assign({"w": tf.Variable(np.zeros(4))}, folder / "w.npz")


def a_run_begun_otherwise(folder: Path) -> None:
    run, recipe = RunFolder(folder), tiny.recipe()
    run.begin(recipe, tiny.TABLE)
    begin.check_unchanged(run, recipe.replace(batch_size=2))


def a_sampler_of_another_task(folder: Path) -> None:
    RunFolder(folder).begin(tiny.recipe(), tiny.TABLE)
    begin.find_sampler(
        tiny.recipe(
            sampling={
                "kind": "nus",
                "sampler_run": str(folder),
            }
        )
    )


def a_file_for_a_run(folder: Path) -> None:
    (folder / "run").touch()
    refuse_early(tiny.recipe(folder), RunFolder(folder / "run"))


def two_replicas(folder: Path) -> None:
    check_devices(tiny.recipe(xla=True), SimpleNamespace(num_replicas_in_sync=2))


def sampler_nowhere(folder: Path) -> None:
    begin.find_sampler(
        tiny.recipe(
            sampling={
                "kind": "nus",
                "sampler_run": str(folder / "x"),
            }
        )
    )


def three_images_for_two_replicas(folder: Path) -> None:
    check_devices(tiny.recipe(batch_size=3), SimpleNamespace(num_replicas_in_sync=2))


def a_loss_that_is_none(folder: Path) -> None:
    training = SimpleNamespace(losses=[tf.constant(np.nan)], run=RunFolder(folder / "run"))
    _Loop._report(training, 5, 0.1, None)


def a_frame_of_several_sizes(folder: Path) -> None:
    recipe = tiny.recipe(folder, augment={"crop_size": (0, 0)})
    with_frame(recipe, SimpleNamespace(image_size=None))


def a_sampler_of_another_kind(folder: Path) -> None:
    sampler = tiny.recipe(task="sampling_grid", model="density_sampler", network={"options": {}})
    RunFolder(folder).begin(sampler, tiny.TABLE)
    begin.find_sampler(tiny.recipe(sampling={"kind": "nus", "sampler_run": str(folder)}))


def no_such_part(folder: Path) -> None:
    layer_prefixes(tiny.recipe(model="fast_scnn"), ("moon",), "start.frozen")


def pairs_without_a_flow(folder: Path) -> None:
    recorded_pair({}, SimpleNamespace(path=folder, split="train", image_size=(8, 9)))


def changed(*words: str) -> Callable[[Path], object]:
    return lambda folder: override(tiny.recipe(), words)


REFUSALS: list[tuple[Callable[[Path], object], str]] = [
    (centroids_of_others, "c.npz: of other records, tiles or classes"),
    (centroids_without_places, "c.npz: damaged ."),
    (lambda _: get("fast_seg/fast_scn"), "--recipe fast_seg/fast_scn: no such recipe; near: fast"),
    (a_weight_of_another_shape, r"w.npz: 'w' is of shape \(3,\), wanted shape \(4,\)"),
    (a_run_begun_otherwise, "this run was begun with batch_size=4, not 2; go on with"),
    (a_sampler_of_another_task, "a run of the task 'segmentation', no sampler's; train it first"),
    (sampler_nowhere, "recipe.json: no run of a sampler here; train it first"),
    (a_file_for_a_run, "run: (a file; name a folder with --run|cannot write here)"),
    (two_replicas, "xla=True works on one device; leave it out"),
    (three_images_for_two_replicas, "batch_size=3 cannot be cut for 2 replicas; take a multiple"),
    (a_loss_that_is_none, "run: the loss is nan at step 5; the last checkpoint is kept, start an"),
    (a_frame_of_several_sizes, "images of several sizes, so --augment.crop-size 0 0 says nothing"),
    (a_sampler_of_another_kind, "a run of the sampler 'density'; ask for --sampler density, or"),
    (no_such_part, "--start.frozen moon: no such part in fast_scnn; there: "),
    (pairs_without_a_flow, "no flow in 'train'; --flow.pairs recorded takes whole pairs with"),
    (lambda folder: begin.wait_for(RunFolder(folder), 0.0), "not begun by the first machine"),
    (
        lambda folder: check_recipe(tiny.recipe(model="fast_scn"), tiny.TABLE),
        "--model fast_scn: no",
    ),
    (lambda folder: main(["--run", str(folder / "x")]), "x is no run that was begun; name one of"),
    (lambda folder: half_weights.main([]), "half_weights: a run and a file are wanted, got 0"),
    (changed("8"), "'8': a --field of the recipe has to come before its value"),
    (changed("--batch-sice", "8"), "--batch-sice: a recipe has no such field; near: --batch-size"),
    (changed("--batch-size", "x"), "--batch-size x: of another type; give a whole number"),
    (changed("--batch-size", "1", "2"), "--batch-size: one value wanted, got 2"),
]


@pytest.mark.parametrize(("refused", "message"), REFUSALS)
def test_the_message_is_raised_and_is_one_line(
    refused: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    assert_refused(refused, message, tmp_path)
