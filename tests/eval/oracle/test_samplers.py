"""The oracle asks samplers of every kind, with runs and without."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.eval.command import main
from roadseg.eval.frames import Frame
from roadseg.eval.oracle.ceilings import OracleOptions, _choice, oracle
from roadseg.eval.oracle.samplers import (
    SamplerChoice,
    density_control,
    oracle_samplers,
    uniform_control,
)
from roadseg.label_tables import LabelTable
from roadseg.sampling import make_sampler, project
from roadseg.sampling.equidistribution import SHARP
from tests.eval.runs import SIZE, TABLE, begin_run, recipe, street, write_records
from tests.eval.sampler_runs import density_run, prior_run


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_records(tmp_path_factory.mktemp("records"), count=4)


@pytest.fixture(scope="module")
def prior(tmp_path_factory: pytest.TempPathFactory, records: Path) -> Path:
    return prior_run(tmp_path_factory.mktemp("prior"), records).path


@pytest.fixture(scope="module")
def density(tmp_path_factory: pytest.TempPathFactory, records: Path) -> Path:
    """Return a run that is drawn to persons, strongly."""
    values = {"sampler.classes": (3,), "sampling.strength": 0.8}
    return density_run(tmp_path_factory.mktemp("density"), records, **values).path


def ask(records: Path, *kinds: str, runs: tuple[str, ...] = (), **values: Any) -> Any:
    return oracle(OracleOptions(records, ("12",), samplers=kinds, sampler_runs=runs, **values))


def test_one_table_holds_every_sampler_at_every_size(
    records: Path, prior: Path, density: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--oracle", "--records", str(records), "--sampling-size", "12", "10x14"]
    argv += ["--sampler", "uniform", "nus", "prior", "density", "previous", "exact"]
    assert main([*argv, "--sampler-run", str(prior), f"density={density}"]) == 0
    printed = capsys.readouterr().out
    for name in ("nus, exact targets", "prior, by its run", "density, by its run",
                 "previous, last labels", "exact, exact targets", "| uniform "):  # fmt: skip
        assert printed.count(name) == 2, name
    assert "10x14" in printed and "drawn to person, strength 0.8" in printed
    assert "…" not in printed


def test_exact_densities_lie_above_fixed_ones_and_uniform(
    records: Path, prior: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SHARP, "iterations", 20)  # not roughly, as in the other tests here
    result = ask(records, "uniform", "prior", "exact", "density", runs=(str(prior),))
    uniform, fixed, exact, density = result.rows
    assert exact.boundary[1].accuracy > max(row.boundary[1].accuracy for row in (uniform, fixed))
    assert fixed.miou != uniform.miou
    assert density.miou == exact.miou, "without a run, densities are those of true labels"


def test_a_run_samples_what_its_network_sees_in_the_image(
    tmp_path: Path, records: Path, density: Path
) -> None:
    values = {"sampler.classes": (3,), "sampling.strength": 0.8}
    other = density_run(tmp_path / "density", records, seed=1, **values).path
    (one,), (two,) = (ask(records, "density", runs=(str(run),)).rows for run in (density, other))
    assert one.source == "by its run" and one.miou != two.miou


def test_exact_densities_follow_the_run_beside_them(records: Path, density: Path) -> None:
    result = ask(records, "density", "exact", runs=(str(density),))
    assert (result.density_classes, result.strength) == (["person"], 0.8)
    other = ask(records, "density", "exact", runs=(str(density),), strength=0.2)
    assert other.strength == 0.2
    assert all(a.miou != b.miou for a, b in zip(result.rows, other.rows, strict=True))


def test_native_densities_give_the_grid_of_the_sampler() -> None:
    label = street(3)[1]
    grid = density_control({"cells": (10, 12)}, 255)(Frame("a", np.zeros((*SIZE, 3)), label))
    sampler = make_sampler("exact", cells=(10, 12))
    wanted = np.asarray(project(sampler.control_of_labels(label[None].astype(np.int32))))[0]
    np.testing.assert_allclose(grid, wanted, atol=2e-5)


def test_a_map_without_labels_is_sampled_evenly() -> None:
    void = np.full(SIZE, 255, np.uint8)
    grid = density_control({}, 255)(Frame("void", np.zeros((*SIZE, 3)), void))
    rows, columns = (np.linspace(0, 1, side) for side in grid.shape[:2])
    even = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
    np.testing.assert_allclose(grid, even, atol=1e-6)


def test_previous_frames_are_sampled_by_the_labels_before_them(tmp_path: Path) -> None:
    records = write_records(tmp_path / "one", count=1)
    (alone,) = ask(records, "previous").rows
    (uniform,) = ask(records, "uniform").rows
    assert alone.miou == uniform.miou, "the first frame has none before it"
    choice = SamplerChoice(("previous",), {}, (8, 8), (0.5,), [], {}, 255)
    (sampler,) = oracle_samplers(choice)
    image, label = street(5)
    first, second = (sampler.control(Frame(name, image, label)) for name in "ab")
    np.testing.assert_array_equal(first, uniform_control())
    wanted = density_control({}, 255, "previous")(Frame("a", image, label))
    np.testing.assert_array_equal(second, wanted)
    cut = sampler.control(Frame("c", 255 - image, label))
    np.testing.assert_array_equal(cut, uniform_control())


@pytest.mark.parametrize(
    ("kinds", "runs", "message"),
    [
        (("unifrm",), (), "--sampler unifrm: there are uniform, prior, nus"),
        (("uniform", "uniform"), (), "one of them twice"),
        ((), (), "--sampler needs one of"),
        (("prior",), (), "give --sampler-run prior=RUN"),
        (("uniform",), ("{prior}",), "a run for 'prior', which --sampler does not name"),
        (("density",), ("density={prior}",), "its sampler is 'prior', not 'density'"),
        (("density",), ("nowhere",), "--sampler-run nowhere: no run there"),
        (("prior",), ("{prior}", "prior={prior}"), "a second run for 'prior'"),
        (("exact",), ("exact={prior}",), "'exact' has no weights"),
        (("nus",), ("{plain}",), "a run without a sampler"),
    ],
)
def test_samplers_that_do_not_fit_are_refused(
    tmp_path: Path, records: Path, prior: Path, kinds: tuple, runs: tuple, message: str
) -> None:
    plain = begin_run(tmp_path / "plain", recipe(records, sampling={"kind": "none"})).path
    given = tuple(text.format(prior=prior, plain=plain) for text in runs)
    with pytest.raises(RoadsegError, match=message):
        ask(records, *kinds, runs=given)


def test_a_crop_smaller_than_the_cells_of_a_density_is_refused(records: Path) -> None:
    with pytest.raises(RoadsegError, match="val0: sampler 'exact': cells .* take fewer cells"):
        ask(records, "exact", crop=(12, 12))
    with pytest.raises(RoadsegError, match="--strength 1: from 0 to below 1"):
        ask(records, "exact", strength=1.0)
    with pytest.raises(RoadsegError, match="--strength 0.5: name a sampler that has one"):
        ask(records, "uniform", strength=0.5)


def test_a_run_drawn_to_a_class_that_these_records_have_not_is_refused(density: Path) -> None:
    options = OracleOptions(density, ("12",), samplers=("density",), sampler_runs=(str(density),))
    two = LabelTable("two", TABLE.names[:2], TABLE.colours[:2])
    with pytest.raises(RoadsegError, match="drawn to class 3, and 'two' has 2; name the run of"):
        _choice(options, two)
