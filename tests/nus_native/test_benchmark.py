import numpy as np
import pytest

from roadseg import nus_native
from roadseg.nus_native import benchmark, published
from roadseg.nus_native.peak_memory import STATUS, peak_memory
from roadseg.nus_native.street import CLASSES, OBJECTS, draw_street


def test_benchmark_prints_machine_protocol_every_row_and_memory(
    capsys: pytest.CaptureFixture[str],
) -> None:
    benchmark.main(["--maps", "1", "--repeats", "1", "--side", "64", "--no-graph"])
    printed = capsys.readouterr().out
    for text in (
        "CPUs;",
        "best of 1 runs over 1 drawn street maps",
        "targets, 64x64 at 8x8",
        "targets, 64x64 at 64x64",
        "labels, 16x16 to 64x128, street, native",
        "peak memory of labels",
    ):
        assert text in printed


def test_benchmark_refuses_options_out_of_range(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        benchmark.main(["--repeats", "0"])
    assert "must be at least 1" in capsys.readouterr().err


def test_the_yardstick_computes_the_same_things() -> None:
    labels = draw_street(90, 130, seed=3)
    np.testing.assert_array_equal(
        published.edge_map(labels, OBJECTS), nus_native.edge_map(labels, OBJECTS)
    )
    assert abs(benchmark.energy_excess(labels, (8, 8))) < 1e-3
    grid = nus_native.boundary_targets(labels, target_classes=OBJECTS)
    values = np.stack([grid[..., 0], 2 - grid[..., 1]], axis=-1)
    theirs = published.interpolate(values, grid, (60, 70))
    ours = nus_native.interpolate(values, grid, (60, 70))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def test_streets_hold_known_classes_and_differ_by_seed() -> None:
    streets = [draw_street(120, 200, seed) for seed in range(3)]
    for street in streets:
        ids = np.unique(street)
        assert np.isin(ids, [*range(CLASSES), 255]).all()
        assert len(ids) > 6 and np.isin(OBJECTS, ids).any()
    assert (streets[0] != streets[1]).mean() > 0.05


@pytest.mark.skipif(not STATUS.exists(), reason="this system does not tell a process's peak memory")
def test_targets_need_less_memory_than_a_few_label_maps() -> None:
    labels = draw_street(1024, 2048, seed=0)
    added = peak_memory("boundary_targets", [labels], grid=(64, 64))
    assert added is not None and added < 3 * labels.nbytes
