"""`roadseg compare`: arms over seeds, paired differences, and the same at equal multiply-adds."""

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadseg import cli
from roadseg.errors import RoadsegError
from roadseg.eval.compare.arms import Arm, load_arms
from roadseg.eval.compare.command import compare, main
from roadseg.eval.compare.paired import at_equal_cost, difference, needed_macs, spread
from roadseg.eval.frames import Frame
from roadseg.eval.results.segmentation import SegmentationResult
from roadseg.eval.tasks.segmentation import score_frames
from roadseg.files import write_text
from roadseg.recipe.protocol import Protocol
from roadseg.runs.run_folder import RunFolder
from tests.eval.small_runs import AUXILIARY, RECIPE, TABLE

RECIPE = RECIPE.replace(sampling={"window": "frame"})


def result(miou: float, boundary: float, **values: Any) -> SegmentationResult:
    """Return a result with these two scores; the others are of an image that is half right."""
    label = np.zeros((24, 32), np.uint8)
    label[8:, 4:12], label[4:20, 20:24] = 1, 2
    guess = np.where(np.arange(32) < 16, label, 0)
    frames = [Frame("val0", np.zeros((24, 32, 3), np.uint8), label)]
    scorer = score_frames(frames, lambda batch: [lambda: guess], TABLE, workers=1)
    origin = {"run": "run", "recipe": "small", "step": 20, "split": "val"}
    origin |= {"protocol": Protocol(interpolation="graph"), "limit": None}
    found = SegmentationResult(**(scorer.values() | origin))
    bands = [dataclasses.replace(band, accuracy=boundary) for band in found.boundary]
    return dataclasses.replace(found, miou=miou, boundary=bands, **values)


def scored(
    folder: Path,
    seed: int,
    miou: float,
    sampler: str = "uniform",
    size: tuple[int, int] = (32, 32),
    kind: str = "val-cityscapes",
    sampler_steps: int = 20,
    **values: Any,
) -> Path:
    """Return a run of `sampler` that scored `miou`, and 0.3 more near boundaries."""
    run = RunFolder(folder / f"{sampler}-{size[0]}-{seed}")
    settings = {"sampling.kind": sampler, "sampling.size": size, "seed": seed, "name": f"s{seed}"}
    run.begin(RECIPE.replace(**(settings | values)), TABLE)
    if sampler == "nus":
        own = AUXILIARY.replace(seed=seed, steps=sampler_steps)
        RunFolder(run.path / "sampler").begin(own, TABLE)
    text = result(miou, miou + 0.3).to_json()
    write_text(run.evaluation_folder(kind) / "step-00000020.json", text)
    return run.path


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Return uniform runs of two sizes and published ones between them, three seeds each."""
    paths = []
    for seed, miou in enumerate((0.40, 0.42, 0.44)):
        paths.append(scored(tmp_path, seed, miou))
        paths.append(scored(tmp_path, seed, miou + 0.1, size=(96, 96)))
    for seed, miou in enumerate((0.47, 0.46, 0.43)):
        paths.append(scored(tmp_path, seed, miou, "nus", (32, 32)))
    return paths


def test_runs_that_differ_in_seed_alone_make_an_arm(runs: list[Path]) -> None:
    (setting,) = load_arms(runs)
    found = {arm.label: [run.recipe.seed for run in arm.runs] for arm in setting.arms}
    assert found == {"uniform 32x32": [0, 1, 2], "uniform 96x96": [0, 1, 2], "nus 32x32": [0, 1, 2]}


def test_differences_are_paired_by_seed(runs: list[Path]) -> None:
    settings = load_arms(runs)
    (values,) = compare(settings, "uniform")
    arm = next(arm for arm in values["arms"] if arm["sampler"] == "nus")
    assert arm["scores"]["miou"]["mean"] == pytest.approx(np.mean([0.47, 0.46, 0.43]))
    assert arm["scores"]["miou"]["deviation"] == pytest.approx(np.std([47, 46, 43], ddof=1) / 100)
    paired = arm["difference"]["boundary"]
    assert paired["mean"] == pytest.approx(np.mean([0.07, 0.04, -0.01]))
    assert paired["deviation"] == pytest.approx(np.std([0.07, 0.04, -0.01], ddof=1))
    assert paired["ahead"] == 2 and list(paired["by_seed"]) == [0, 1, 2]
    assert arm["baseline"] == "uniform 32x32"


def test_seeds_that_one_arm_lacks_are_left_out_of_the_pairs() -> None:
    found = difference({0: 0.5, 2: 0.7}, {0: 0.4, 1: 0.1, 2: 0.8})
    assert found is not None and list(found.spread.by_seed) == [0, 2] and found.ahead == 1
    assert difference({0: 0.5}, {1: 0.5}) is None
    assert math.isnan(spread({0: 0.5}).deviation) and spread({0: 0.5}).mean == 0.5


def test_costs_hold_network_sampler_solver_and_the_interpolation(runs: list[Path]) -> None:
    from roadseg.eval.benchmark.costs import run_cost

    (setting,) = load_arms(runs)
    arm = next(arm for arm in setting.arms if arm.sampler == "nus")
    cost = run_cost(arm.runs[0].run)
    assert cost.sampler is not None and cost.interpolation > 0
    assert arm.macs == cost.network.macs + cost.sampler.macs + cost.solver + cost.interpolation


class Priced(Arm):
    """An arm whose cost is given."""

    macs = 0


def priced(arm: Arm, macs: int) -> Arm:
    made = Priced(arm.fields, arm.runs)
    object.__setattr__(made, "macs", macs)
    return made


def test_at_equal_multiply_adds_the_baseline_is_interpolated(runs: list[Path]) -> None:
    (setting,) = load_arms(runs)
    small, large, nus = setting.arms
    arms = priced(small, 100), priced(large, 400), priced(nus, 200)
    setting = dataclasses.replace(setting, arms=arms)
    kind = "val-cityscapes"
    found = at_equal_cost(setting, arms[2], "uniform", kind, "miou")
    # Halfway in the logarithm: 0.05 above the small one.
    assert found is not None and found.spread.by_seed == pytest.approx(
        {0: 0.02, 1: -0.01, 2: -0.06}
    )
    assert found.ahead == 1
    needed = needed_macs(setting, arms[2], "uniform", kind, "miou")
    share = (np.mean([0.47, 0.46, 0.43]) - 0.42) / 0.1
    assert needed == pytest.approx(100 * 4**share)
    for macs in (99, 401):
        outside = dataclasses.replace(setting, arms=(*arms[:2], priced(nus, macs)))
        assert at_equal_cost(outside, outside.arms[2], "uniform", kind, "miou") is None
    alone = dataclasses.replace(setting, arms=(arms[0], arms[2]))
    assert at_equal_cost(alone, arms[2], "uniform", kind, "miou") is None


def test_the_command_prints_scores_and_differences(
    runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compare", *map(str, runs)]) == 0
    printed = capsys.readouterr().out
    assert "42.00 ± 2.00" in printed and "+3.33 ± 4.04 (2/3)" in printed
    assert "0 1 2" in printed and "at equal multiply-adds" in printed and "…" not in printed
    assert main([*map(str, runs), "--json"]) == 0
    (values,) = json.loads(capsys.readouterr().out)
    assert values["evaluation"] == "val-cityscapes" and len(values["arms"]) == 3


def test_what_lies_outside_the_measured_range_is_called_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [scored(tmp_path, 0, 0.4), scored(tmp_path, 0, 0.5, "nus")]
    assert main(list(map(str, runs))) == 0
    line = next(x for x in capsys.readouterr().out.splitlines() if "at equal" in x)
    assert line.count("not measured") == 3


def test_arms_of_other_losses_and_other_samplers_recipes_stand_apart(tmp_path: Path) -> None:
    runs = [
        scored(tmp_path, 0, 0.5),
        scored(tmp_path / "half", 0, 0.4, loss={"size": "half"}),
        scored(tmp_path, 0, 0.5, "nus", loss={"size": "half"}),
        scored(tmp_path / "long", 0, 0.6, "nus", loss={"size": "half"}, sampler_steps=40),
    ]
    (values,) = compare(load_arms(runs), "uniform")
    assert [arm["arm"] for arm in values["arms"]] == [
        "uniform 32x32, loss.size=samples",
        "uniform 32x32, loss.size=half",
        "nus 32x32, sampler: steps=20",
        "nus 32x32, sampler: steps=40",
    ]
    baselines = {arm["baseline"] for arm in values["arms"][2:]}
    assert baselines == {"uniform 32x32, loss.size=half"}, "the same loss, if there is one"


def test_other_networks_are_settings_of_their_own(tmp_path: Path) -> None:
    runs = [
        scored(tmp_path, 0, 0.4),
        scored(tmp_path, 0, 0.5, "nus"),
        scored(tmp_path / "long", 0, 0.5, steps=40),
    ]
    first, second = load_arms(runs)
    titles = [values["setting"] for values in compare([first, second], "uniform")]
    assert titles == ["tiny (steps=20)", "tiny (steps=40)"]


def test_parts_of_a_split_and_replaced_samplers_count_only_when_named(
    tmp_path: Path, runs: list[Path]
) -> None:
    for name, values in (
        ("val-first1", {"limit": 1}),
        ("val-uniform", {"sampler": "uniform"}),
    ):
        text = result(0.9, 0.9, **values).to_json()
        for run in runs:
            write_text(RunFolder(run).evaluation_folder(name) / "step-00000020.json", text)
    (values,) = compare(load_arms(runs), "uniform")
    assert values["evaluation"] == "val-cityscapes"
    (named,) = compare(load_arms(runs, ("val-uniform",)), "uniform")
    assert all(arm["macs"] is None for arm in named["arms"]), "that sampler was not counted"


def other_classes(folder: Path) -> list[Path]:
    run = scored(folder, 1, 0.4)
    table = dataclasses.replace(TABLE, name="four")
    write_text(run / "label_table.json", table.to_json())
    return [scored(folder, 0, 0.4), run]


def unscored(folder: Path) -> list[Path]:
    run = RunFolder(folder / "new")
    run.begin(RECIPE.replace(seed=5), TABLE)
    return [scored(folder, 0, 0.4), run.path]


def other_images(folder: Path) -> list[Path]:
    first, second = scored(folder, 0, 0.4), scored(folder, 1, 0.4)
    found = result(0.4, 0.4)
    one = [dataclasses.replace(found.per_image[0], name="val9")]
    text = dataclasses.replace(found, per_image=one).to_json()
    write_text(second / "evaluation" / "val-cityscapes" / "step-00000020.json", text)
    return [first, second]


def a_sampler(folder: Path) -> list[Path]:
    run = RunFolder(folder / "sampler")
    run.begin(AUXILIARY, TABLE)
    return [scored(folder, 0, 0.4), run.path]


@pytest.mark.parametrize(
    ("arrange", "message"),
    [
        (lambda folder: [scored(folder, 0, 0.4)], "name two runs at least"),
        (lambda folder: [scored(folder, 0, 0.4)] * 2, "the same run is named twice"),
        (lambda folder: [scored(folder, 0, 0.4), folder / "no"], "no: no run here"),
        (lambda folder: [scored(folder, 0, 0.4), scored(folder / "b", 0, 0.4)], "seed 0 of 'unif"),
        (unscored, "new: not evaluated on a whole split yet; `roadseg eval"),
        (other_classes, "its data set is 'four' of 3 classes, that of .* 'three' of 3"),
        (other_images, "'val-cityscapes' is of 1 images, and of others"),
        (a_sampler, "it learns sampling grids; compare segmentation runs"),
        (lambda f: [scored(f, 0, 0.4), scored(f, 1, 0.4), "--baseline", "nus"], "there are: unif"),
        (
            lambda f: [scored(f, 0, 0.4), scored(f, 1, 0.4), "--evaluation", "x"],
            "no evaluation 'x'",
        ),
    ],
)
def test_runs_that_do_not_compare_are_refused(
    tmp_path: Path, arrange: Callable[[Path], list], message: str
) -> None:
    with pytest.raises(RoadsegError, match=message):
        main(list(map(str, arrange(tmp_path))))
