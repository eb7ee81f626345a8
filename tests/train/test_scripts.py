"""The bash scripts of the published system: which command each variable leads to."""

import os
import subprocess
from pathlib import Path

import pytest

from roadseg.train.recipes import ONE_GPU, RECIPES
from tests.support import REPOSITORY

SCRIPTS = ("train_nus_mobilenetv2", "eval_nus_mobilenetv2", "train_mobilenetv2_with_nus")


def run(tmp_path: Path, script: str, *arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run a script with a `roadseg` that prints its arguments; return status, output, error."""
    fake = tmp_path / "bin" / "roadseg"
    fake.parent.mkdir(exist_ok=True)
    fake.write_text('#!/bin/sh\necho "$@"\necho "devices=${CUDA_VISIBLE_DEVICES-unset}"\n')
    fake.chmod(0o755)
    kept = {"PATH": f"{fake.parent}:{os.environ['PATH']}", **variables}
    command = ["bash", str(REPOSITORY / "train" / f"{script}.sh"), *arguments]
    done = subprocess.run(command, env=kept, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_scripts_run_with_no_variable_set(tmp_path: Path, script: str) -> None:
    status, output, error = run(tmp_path, script)
    assert (status, error) == (0, "")
    assert "nus64_128_mobilenetv2_lr0.007_mt0.25" in output


def test_the_sampling_size_names_run_and_samples(tmp_path: Path) -> None:
    _, output, _ = run(tmp_path, "train_mobilenetv2_with_nus", SAMPLING_SIZE="192")
    assert "--run runs/train_on_train_set_mobilenetv2_w_nus_at_192 " in output
    assert "--sampling-size 192 192 --sampler nus --sampler-run runs/nus64_128" in output


@pytest.mark.parametrize("uniform", ["", "0"])
def test_uniform_empty_or_zero_means_learned_sampling(tmp_path: Path, uniform: str) -> None:
    _, output, _ = run(tmp_path, "train_mobilenetv2_with_nus", UNIFORM=uniform)
    assert "--sampler nus" in output and "_uniform" not in output


def test_any_other_uniform_means_uniform_sampling_in_a_run_of_its_own(tmp_path: Path) -> None:
    _, output, _ = run(tmp_path, "train_mobilenetv2_with_nus", UNIFORM="1")
    assert "w_nus_at_128_uniform" in output and "--sampler uniform" in output
    assert "--sampler-run" not in output


def test_mode_eval_follows_the_run_for_ever_and_passes_bounds_on(tmp_path: Path) -> None:
    _, output, _ = run(
        tmp_path, "train_mobilenetv2_with_nus", "--max-evaluations", "2", MODE="EVAL"
    )
    assert output.startswith("eval runs/train_on_train_set_mobilenetv2_w_nus_at_128 ")
    assert "--follow --max-evaluations 0 --max-evaluations 2" in output


def test_paths_and_devices_are_variables(tmp_path: Path) -> None:
    variables = {"RUNS": "/data/runs", "RECORDS": "/data/records", "CUDA_VISIBLE_DEVICES": "1"}
    _, output, _ = run(tmp_path, "train_nus_mobilenetv2", "--steps", "7", **variables)
    assert "--run /data/runs/nus64_128" in output and "--records /data/records" in output
    assert output.splitlines()[0].endswith("--steps 7")
    assert "devices=1" in output


@pytest.mark.parametrize("size", ["abc", "-1", "12.5", "0", "64 64"])
@pytest.mark.parametrize("script", ["train_nus_mobilenetv2", "train_mobilenetv2_with_nus"])
def test_a_sampling_size_that_is_no_number_is_one_line(
    tmp_path: Path, script: str, size: str
) -> None:
    status, output, error = run(tmp_path, script, SAMPLING_SIZE=size)
    assert (status, output) == (2, "")
    assert error == (
        f"error: SAMPLING_SIZE='{size}' is not a number; SAMPLING_SIZE=128, for example\n"
    )


def test_another_mode_is_refused(tmp_path: Path) -> None:
    status, _, error = run(tmp_path, "train_mobilenetv2_with_nus", MODE="VIS")
    assert status == 2 and error == "error: MODE='VIS'; there are TRAIN and EVAL\n"


def test_every_recipe_is_trained_by_its_name(tmp_path: Path) -> None:
    script = 'for recipe in "$@"; do bash train/train.sh "$recipe" --seed 3; done'
    names = [name for name in RECIPES if not name.endswith(ONE_GPU)]
    done = subprocess.run(
        ["bash", "-c", script, "train", *names],
        env={"PATH": os.environ["PATH"], "DRY_RUN": "1"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"roadseg train --recipe {name} --run runs/{name} --records records --seed 3"
        for name in names
    ]


def test_one_gpu_picks_the_other_recipe_and_a_run_of_its_own(tmp_path: Path) -> None:
    _, output, _ = run(tmp_path, "train", "fast_seg/icnet", ONE_GPU="1", CUDA_VISIBLE_DEVICES="0")
    assert "--recipe fast_seg/icnet_one_gpu --run runs/fast_seg/icnet_one_gpu " in output
    assert "devices=0" in output
    _, output, _ = run(tmp_path, "train", "fast_seg/icnet", ONE_GPU="0")
    assert "--recipe fast_seg/icnet " in output


def test_a_dry_run_prints_the_command_with_the_changes_of_its_variables(tmp_path: Path) -> None:
    variables = {
        "RECORDS": "/r",
        "RUNS": "/runs",
        "CROP": "768",
        "STEPS": "9",
        "BATCH": "12",
        "SPLIT": "train+val",
        "INITIAL_WEIGHTS": "none",
        "DRY_RUN": "1",
    }
    _, output, _ = run(tmp_path, "train", "fast_seg/dfanet", **variables)
    assert output == (
        "roadseg train --recipe fast_seg/dfanet --run /runs/fast_seg/dfanet --records /r "
        "--augment.crop-size 768 768 --steps 9 --batch-size 12 --split train+val "
        "--start.initial-weights none\n"
    )
    _, output, _ = run(
        tmp_path, "train", "fast_seg/espnet", CROP="360 480", DRY_RUN="1", RECORDS="my data"
    )
    assert "--augment.crop-size 360 480" in output and r"--records my\ data " in output


@pytest.mark.parametrize("arguments", [(), ("--steps", "9")])
def test_the_script_wants_the_name_of_a_recipe(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    status, output, error = run(tmp_path, "train", *arguments)
    assert (status, output) == (2, "")
    assert error.startswith("error: the name of a recipe is wanted") and error.count("\n") == 1


def test_semantics_sharing_is_trained_and_evaluated_stage_by_stage(tmp_path: Path) -> None:
    variables = {"RECORDS": "/pairs", "FRAMES": "/frames", "RUNS": "/runs"}
    _, output, error = run(tmp_path, "train_semantics_sharing", "--seed", "3", **variables)
    lines = [line for line in output.splitlines() if not line.startswith("devices")]
    folder = "/runs/semantics_sharing/"
    assert error == "" and [line.split()[0] for line in lines] == ["train", "eval"] * 5
    assert f"flow --run {folder}flow --records /frames --seed 3" in lines[2]
    before = f"--records /pairs --start.stages {folder}segmentation {folder}flow --seed 3"
    assert lines[4].endswith(before)
    assert lines[6].endswith(f"--start.stages {folder}fusion_narrow --seed 3")
    assert lines[8].endswith(f"--start.stages {folder}fusion_wide --seed 3")
    assert lines[9] == f"eval {folder}whole"
    # Of a stage that was stopped the next must not begin.
    assert all("--status-when-stopped 75" in line for line in lines[::2])


def test_the_tight_network_s_flow_has_no_stage_and_small_copies_are_runs_of_their_own(
    tmp_path: Path,
) -> None:
    variables = {"COUPLING": "tight", "SMALL": "1", "DRY_RUN": "1"}
    _, output, _ = run(tmp_path, "train_semantics_sharing", **variables)
    folder = "runs/semantics_sharing/"
    lines = output.splitlines()
    assert not any("/flow" in line for line in lines) and len(lines) == 8
    assert lines[2].endswith(f"--start.stages {folder}segmentation_small")
    assert lines[7] == f"roadseg eval {folder}whole_tight_small"


def test_small_copies_couple_a_flow_that_both_cameras_taught(tmp_path: Path) -> None:
    variables = {"SMALL": "1", "RECORDS": "/pairs", "DRY_RUN": "1"}
    _, output, _ = run(tmp_path, "train_semantics_sharing", **variables)
    lines, folder = output.splitlines(), "runs/semantics_sharing/"
    assert len(lines) == 12
    flow = (
        f"--run {folder}flow_views_small --records /pairs "
        f"--start.initial-weights {folder}flow_small"
    )
    assert lines[4].endswith(flow)
    before = f"--start.stages {folder}segmentation_small {folder}flow_views_small"
    assert lines[6].endswith(before)
    _, output, _ = run(tmp_path, "train_semantics_sharing", FLOW="flow", **variables)
    assert output.splitlines()[6].endswith(f"{folder}segmentation_small {folder}flow_small")


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("COUPLING", "none", "there are loose and tight"),
        ("STAGES", "fly", "there are segmentation"),
    ],
)
def test_a_stage_or_coupling_that_is_none_is_refused(
    tmp_path: Path, variable: str, value: str, message: str
) -> None:
    status, output, error = run(tmp_path, "train_semantics_sharing", **{variable: value})
    assert (status, output) == (2, "") and message in error and error.count("\n") == 1


DEMO_TEXTS = ("density", "even", "chosen", "report")
"""What the demo keeps of the commands that print tables."""


def demo(tmp_path: Path, **variables: str) -> list[str]:
    """Return the commands of the demo, each a line, `python` and `roadseg` only printing them."""
    fake = tmp_path / "bin" / "python"
    fake.parent.mkdir(exist_ok=True)
    fake.write_text('#!/bin/sh\necho "python $@"\n')
    fake.chmod(0o755)
    folder = tmp_path / "demo"
    status, output, error = run(tmp_path, "demo", DEMO=str(folder), **variables)
    assert (status, error) == (0, "")
    kept = "".join((folder / f"{name}.txt").read_text() for name in DEMO_TEXTS)
    lines = (output + kept).replace(f"{folder}/", "").splitlines()
    return [line for line in lines if line and not line.startswith(("devices", "\033"))]


def test_the_demo_trains_a_sampler_and_two_arms_that_differ_in_recipe_alone(
    tmp_path: Path,
) -> None:
    commands = demo(tmp_path, SEED="4", STEPS="30", SAMPLER_STEPS="20")
    assert commands[0].startswith("convert street_scenes --source street_scenes --to records ")
    assert "--classes categories --focal 0.45 --train 240 --val 48" in commands[0]
    stops = "--status-when-stopped 75"
    common = "--records records/street_scenes_categories --seed 4 --steps"
    first = f"--start.initial-weights {REPOSITORY / 'train' / 'demo_backbone.npz'}"
    trained = [command for command in commands if command.startswith("train ")]
    assert trained == [
        f"train {stops} --recipe demo/density --run runs/density {common} 20",
        f"train {stops} --recipe demo/even --run runs/even {common} 30 {first}",
        f"train {stops} --recipe demo/chosen --run runs/chosen {common} 30 {first} "
        "--sampler-run runs/density",
    ]
    assert {"eval runs/density", "eval runs/even", "eval runs/chosen"} < {*commands}
    assert "report runs/density runs/even runs/chosen --to report.html" in commands
    last = "python -m roadseg.eval.compare.demo_result runs/even runs/chosen --report report.html"
    assert last in commands


def test_the_demo_leaves_steps_to_the_recipes_and_reads_cityscapes_where_it_is(
    tmp_path: Path,
) -> None:
    commands = demo(tmp_path, CITYSCAPES_ROOT="/data/cityscapes")
    wanted = "convert cityscapes --source /data/cityscapes --to records --classes categories"
    assert commands[0] == wanted
    trained = [command for command in commands if command.startswith("train ")]
    assert len(trained) == 3 and not any("--steps" in command for command in trained)
    assert all("--records records/cityscapes_categories --seed 0" in each for each in trained)


def test_the_demo_does_not_convert_again(tmp_path: Path) -> None:
    (tmp_path / "demo/records/street_scenes_categories").mkdir(parents=True)
    commands = demo(tmp_path)
    assert commands[0] == "there already: records/street_scenes_categories"
    assert not any(command.startswith("convert") for command in commands)
