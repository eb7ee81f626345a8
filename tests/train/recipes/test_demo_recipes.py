"""The demo's recipes: two arms alike but for sampling, and uniform sampling never the cheaper."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from roadseg import label_tables
from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.costs import segmenter_cost
from roadseg.files import read_arrays
from roadseg.recipe.recipe import Recipe
from roadseg.runs import checkpoint
from roadseg.runs.run_folder import RunFolder, build_network, variable_arrays
from roadseg.sampling import SampledSegmenter, UniformSampler
from roadseg.sampling.trained import trained_sampler
from roadseg.train.half_weights import main, write_half_weights
from roadseg.train.recipes.demo import BACKBONE, CHOSEN, DENSITY, EVEN
from roadseg.weights import load_initial_weights
from tests.support import REPOSITORY

FRAME = (512, 1024)
TABLE = label_tables.get("street_scenes_categories")
CLASSES = TABLE.num_classes
SHIPPED = REPOSITORY / "train" / "demo_backbone.npz"


def test_the_arms_differ_in_sampler_and_number_of_samples_alone() -> None:
    different = {field for field, value in EVEN.flat().items() if value != CHOSEN.value(field)}
    assert different == {"name", "sampling.kind", "sampling.size"}
    assert (EVEN.sampling.kind, CHOSEN.sampling.kind) == ("uniform", "density")


def test_uniform_sampling_gets_at_least_the_multiply_adds_of_the_sampler_as_samples() -> None:
    whole = DENSITY.replace(augment={"crop_size": FRAME})
    sampler = trained_sampler(whole, build_network(whole, 0))
    network = build_network(CHOSEN, CLASSES, evaluation=True)
    chosen = segmenter_cost(SampledSegmenter(network, sampler, CHOSEN.sampling.size), FRAME)
    even = segmenter_cost(SampledSegmenter(network, UniformSampler(), EVEN.sampling.size), FRAME)
    assert chosen.sampler_macs > 0
    assert chosen.macs <= even.macs < 1.15 * chosen.macs


@pytest.mark.parametrize("recipe", [EVEN, CHOSEN], ids=lambda recipe: recipe.name)
def test_the_shipped_weights_are_those_of_the_arms_network(recipe: Recipe) -> None:
    assert SHIPPED.stat().st_size < 2e6
    shipped = read_arrays(SHIPPED)
    assert {array.dtype for array in shipped.values()} == {np.dtype(np.float16)}
    network = build_network(recipe, CLASSES)
    load_initial_weights(network, str(SHIPPED), recipe)
    loaded = variable_arrays(network)
    assert loaded.keys() == shipped.keys()
    for name, array in shipped.items():
        np.testing.assert_array_equal(loaded[name], array.astype(np.float32))
        assert np.isfinite(array).all()
    kernel = loaded["logits/kernel"]
    assert kernel.std() > 0.02  # drawn with 0.01: it was trained


def run_with(folder: Path, values: np.ndarray, bias: float = 0.0) -> RunFolder:
    run = RunFolder(folder)
    run.begin(BACKBONE, TABLE)
    arrays = {"layer/kernel": values.astype(np.float32), "layer/bias": np.array([bias], np.float32)}
    groups = {"weights": arrays, "ema": {"layer/bias": np.array([bias + 1], np.float32)}}
    checkpoint.write_checkpoint(run.checkpoint_folder, 3, groups, {"step": 3})
    return run


def test_half_weights_are_the_newest_checkpoint_rounded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = np.random.default_rng(0).normal(size=(5, 7))
    run, path = run_with(tmp_path / "run", values, bias=1e5), tmp_path / "half.npz"
    assert main([str(run.path), str(path)]) == 0
    arrays = read_arrays(path)
    assert set(arrays) == {"layer/kernel", "layer/bias"}
    assert arrays["layer/kernel"].dtype == np.float16
    np.testing.assert_allclose(arrays["layer/kernel"], values, rtol=1e-3, atol=1e-7)
    np.testing.assert_array_equal(arrays["layer/bias"], np.float32([1e5 + 1]))  # averaged, whole
    told = capsys.readouterr().out
    content = path.read_bytes()
    assert f"size {len(content)}, sha256 {hashlib.sha256(content).hexdigest()}" in told


@pytest.mark.parametrize("value", [1e5, np.nan])
def test_values_beyond_half_floats_are_refused_and_nothing_is_written(
    tmp_path: Path, value: float
) -> None:
    run, path = run_with(tmp_path / "run", np.array([[1.0, value]])), tmp_path / "half.npz"
    with pytest.raises(RoadsegError, match="'layer/kernel' holds .*, beyond half floats"):
        write_half_weights(run, path)
    assert not path.exists()
