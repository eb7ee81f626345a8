"""The examples of docs/examples that learn: what they write is what the commands take."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from roadseg.runs.run_folder import RunFolder
from roadseg.sampling import make_sampler
from roadseg.train.loop import train
from tests.support import REPOSITORY, on_tensorflow
from tests.train import tiny

pytestmark = [on_tensorflow, pytest.mark.slow]
CROP = (40, 48)


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "docs/examples" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trained(folder: Path) -> RunFolder:
    """Return a run of two steps behind a density sampler of two steps."""
    records = tiny.write_records(folder / "records", size=CROP)
    values = {"augment.crop_size": CROP, "steps": 2, "log.checkpoint_every_steps": 0}
    density = values | {
        "task": "sampling_grid",
        "model": "density_sampler",
        "network.options": {},
        "sampler.input_size": (32, 40),
        "sampler.density_width": 4,
    }
    assert train(tiny.recipe(records, **density), RunFolder(folder / "sampler")) == 0
    behind = values | {
        "model": "fast_scnn",
        "network.options": {},
        "sampling": {"kind": "density", "size": (32, 32), "sampler_run": str(folder / "sampler")},
        "loss.size": "half",
    }
    run = RunFolder(folder / "run")
    assert train(tiny.recipe(records, **behind), run) == 0
    return run


def test_a_density_learns_from_the_loss_of_the_network_behind_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learn = example("learn_where_the_loss_falls").learn
    run = trained(tmp_path)
    before = run.load_sampler().network
    learn(run.path, tmp_path / "new", steps=3, rate=1e-3, weight=0.0)
    assert "step 3/3  loss " in capsys.readouterr().out
    after = make_sampler("density", run=tmp_path / "new").network
    names = [variable.path for variable in before.trainable_variables]
    moved = [
        np.abs(np.asarray(a) - np.asarray(b)).max()
        for a, b in zip(before.trainable_variables, after.trainable_variables, strict=True)
    ]
    # A bias of all cells does nothing to their shares.
    assert all(by > 0 for by, name in zip(moved, names, strict=True) if name != "logits/bias")
    with pytest.raises(SystemExit, match="is there already"):
        learn(run.path, tmp_path / "new", 1, 1e-3, 0.0)
    with pytest.raises(SystemExit, match="samples by 'none', not by 'density'"):
        learn(tmp_path / "sampler", tmp_path / "other", 1, 1e-3, 0.0)
