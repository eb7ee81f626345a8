"""`roadseg import-weights --to FOLDER` makes a run folder of published weights."""

import json

import keras
import numpy as np
import pytest

from roadseg import cli
from roadseg.runs.run_folder import RunFolder
from roadseg.weights.read import original_of, read_weights
from tests.weights.originals import network, published

NAME = "fast_scnn"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Return published weights of a network with one output more than CamVid has classes."""
    path = tmp_path_factory.mktemp("published") / "void.npz"
    np.savez(path, **published(network(NAME, 12), NAME))
    return path


def run_import(source, target, *options: str) -> int:
    line = ["import-weights", str(source), "--model", NAME, "--to", str(target), *options]
    return cli.main(line)


def test_a_run_of_published_weights_gives_their_logits(source, tmp_path, capsys):
    options = ("--options", "normalisation=bgr", "--num-classes", "12", "--label-table", "camvid")
    assert run_import(source, tmp_path / "run", *options) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'run'}: 224 of 224 variables\n"
    model = network(NAME, 12, normalisation="bgr")
    read_weights(model, str(source), original_of(NAME))
    image = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    logits = keras.ops.convert_to_numpy(model(image, training=False))
    found = RunFolder(tmp_path / "run").load_network()
    np.testing.assert_array_equal(found(image, training=False), logits)


def test_one_output_more_than_classes_is_a_void_class(source, tmp_path):
    options = ("--num-classes", "12", "--label-table", "camvid", "--records", "my/records")
    assert run_import(source, tmp_path / "run", *options) == 0
    run = RunFolder(tmp_path / "run")
    assert run.recipe.network.void_class and run.num_outputs == 12
    assert len(run.label_table.names) == 11
    assert run.recipe.records == "my/records"
    assert [step for step, _ in run.checkpoints()] == [0]


def test_the_recipe_says_whose_weights_these_are(source, tmp_path):
    options = ("--num-classes", "12", "--label-table", "camvid")
    assert run_import(source, tmp_path / "run", *options) == 0
    recipe = RunFolder(tmp_path / "run").recipe
    assert recipe.source.startswith("published weights: void.npz, sha256 ")
    assert "not trained here" in recipe.measured


def test_without_a_count_the_label_tables_is_taken(tmp_path):
    np.savez(tmp_path / "eleven.npz", **published(network(NAME, 11), NAME))
    assert run_import(tmp_path / "eleven.npz", tmp_path / "run", "--label-table", "camvid") == 0
    run = RunFolder(tmp_path / "run")
    assert not run.recipe.network.void_class and run.num_outputs == 11


def test_a_label_table_may_be_a_file(source, tmp_path):
    table = {"name": "mine", "names": ["a", "b"], "colours": [[0, 0, 1], [0, 1, 0]]}
    (tmp_path / "label_table.json").write_text(json.dumps(table))
    np.savez(tmp_path / "two.npz", **published(network(NAME, 2), NAME))
    options = ("--label-table", str(tmp_path / "label_table.json"))
    assert run_import(tmp_path / "two.npz", tmp_path / "run", *options) == 0
    assert RunFolder(tmp_path / "run").label_table.names == ("a", "b")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "name an .npz, or make it a run folder"),
        (("--label-table", "nuscenes"), "no label table 'nuscenes'; there are: cityscapes"),
        (("--label-table", "camvid", "--num-classes", "13"), "has 11 classes; give 11, 12"),
        (("--label-table", "camvid", "--options", "normalisation"), "write it as name=value"),
        (("--label-table", "camvid"), "has shape (12, 128, 1, 1), here it is (11, 128, 1, 1)"),
    ],
)
def test_what_does_not_fit_is_one_line_and_nothing_is_written(
    source, tmp_path, capsys, options, message
):
    assert run_import(source, tmp_path / "run", *options) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_something_is_left_alone(source, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    assert run_import(source, tmp_path, "--label-table", "camvid", "--num-classes", "12") == 2
    assert "not empty; take another --to" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_backbone_is_no_run_but_an_npz_to_start_from(tmp_path, capsys):
    model = network("swiftnet", 11)
    head = ("spp.", "upsample.")
    backbone = {n: a for n, a in published(model, "swiftnet").items() if not n.startswith(head)}
    np.savez(tmp_path / "backbone.npz", **backbone)
    line = ["import-weights", str(tmp_path / "backbone.npz"), "--model", "swiftnet"]
    line += ["--num-classes", "11", "--to"]
    assert cli.main([*line, str(tmp_path / "run"), "--label-table", "camvid"]) == 2
    assert "no whole swiftnet: it lacks" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert cli.main([*line, str(tmp_path / "start.npz")]) == 0
    assert "100 of 1" in capsys.readouterr().out
    with np.load(tmp_path / "start.npz") as written:
        assert len(written.files) == 100


def test_the_command_lists_every_module_that_does_not_fit(source, tmp_path, capsys):
    with np.load(source) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    found["decoder.weight"] = found.pop("classifier.conv.1.weight")
    np.savez(tmp_path / "other.npz", **found)
    options = ("--num-classes", "12", "--label-table", "camvid")
    assert run_import(tmp_path / "other.npz", tmp_path / "run", *options) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["missing (1):", "  classifier.conv (1): 1.weight"]
    assert lines[2:4] == ["left over (1):", "  decoder (1): weight"]
    assert lines[4].startswith(f"error: {tmp_path / 'other.npz'}: the weights of another network")
