"""What `import roadseg` offers: the names, recipes, runs, and networks of one's own."""

import ast
import importlib.metadata
import math
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest

import roadseg
from roadseg.cli import main
from roadseg.models import registry
from roadseg.recipe.recipe import Recipe
from tests.front_door import CLASSES, SIZE, my_net, write_splits
from tests.support import REPOSITORY

SOURCE = (REPOSITORY / "research" / "__init__.py").read_text(encoding="utf-8")


@pytest.fixture
def networks(monkeypatch):
    """Let a test register networks, which no other test then sees."""
    monkeypatch.setattr(registry, "MODELS", dict(registry.MODELS))
    registry._read_entry_points.cache_clear()
    yield registry.MODELS
    registry._read_entry_points.cache_clear()


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return write_splits(tmp_path_factory.mktemp("front") / "records")


def small(records: Path, **changes: object) -> Recipe:
    fields = {
        "records": str(records),
        "batch_size": 2,
        "steps": 2,
        "augment.crop_size": SIZE,
        "start.initial_weights": "none",
        "network.auxiliary_heads": False,
        "log.pictures_every_steps": 0,
    }
    return roadseg.get_recipe("fast_seg/bisenet_one_gpu").replace(**{**fields, **changes})


def test_every_name_is_there_and_type_checkers_know_each():
    assert sorted(roadseg.__all__) == roadseg.__all__
    assert all(getattr(roadseg, name) is not None for name in roadseg.__all__)
    guarded = next(node for node in ast.parse(SOURCE).body if isinstance(node, ast.If))
    known = {
        alias.asname
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert known | {"__version__"} == set(roadseg.__all__)
    assert set(roadseg.__all__) <= set(dir(roadseg))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = roadseg.nothing


def test_the_version_is_that_of_the_package():
    assert roadseg.__version__ == importlib.metadata.version("roadseg")


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "roadseg", "--help"], capture_output=True, text=True, check=True
    )
    assert "usage: roadseg COMMAND" in done.stdout


def test_a_recipe_is_found_and_changed_by_name():
    recipe = roadseg.get_recipe("fast_seg/bisenet")
    assert "fast_seg/bisenet" in roadseg.list_recipes()
    changed = recipe.replace(steps=7, augment={"crop_size": [360, 480]}, optimizer={"ema_decay": 0})
    assert (changed.steps, changed.augment.crop_size, changed.optimizer.ema_decay) == (
        7,
        (360, 480),
        0,
    )
    assert changed.replace(steps=recipe.steps) == recipe.replace(
        augment={"crop_size": (360, 480)},
        optimizer={"ema_decay": 0},
    )
    for changes, message in (
        ({"step": 7}, "no field 'step'; near: steps"),
        ({"steps": "7"}, "steps is '7'; give a whole number; see"),
        ({"crop_size": (1, 5)}, "'crop_size'; it is called augment.crop_size"),
        ({"augment": {"crop_size": (1, "a")}}, "augment.crop_size is .*; give a list of 2 numbers"),
        ({"augment": 5}, "augment is 5; give a dict of its fields"),
    ):
        with pytest.raises(roadseg.RoadsegError, match=message):
            recipe.replace(**changes)
    with pytest.raises(roadseg.RoadsegError, match="near: fast_seg/bisenet"):
        roadseg.get_recipe("fast_seg/bisnet")


def test_label_tables_are_found_by_name():
    table = roadseg.get_label_table("cityscapes")
    assert isinstance(table, roadseg.LabelTable) and table.num_classes == 19
    assert {"cityscapes", "camvid"} <= set(roadseg.list_label_tables())


def test_a_network_of_ones_own_is_trained_evaluated_and_exported_by_its_name(
    networks, records, tmp_path
):
    roadseg.register_model("my_net", size_multiple=8)(my_net)
    assert "my_net" in roadseg.list_models()
    recipe = small(records, model="my_net", network={"options": {"width": 6}})
    run = roadseg.train_recipe(recipe, run=tmp_path / "run")
    assert [step for step, _ in run.checkpoints()] == [2]
    network = run.load_network()
    assert network.get_layer("conv").kernel.shape == (3, 3, 3, 6)

    result = roadseg.evaluate(run, split="val")
    assert result == roadseg.evaluate(tmp_path / "run", step="best", store=False)
    assert run.best_step() == 2 and set(result.iou) == {"road", "car", "sky"}
    # And the metric for `compile` gives the same, to the last digit.
    network.compile(metrics=[roadseg.metrics.MeanIoU(CLASSES)], loss=roadseg.losses.Crossentropy())
    values = network.evaluate(roadseg.dataset(records, "val", 1), return_dict=True, verbose=0)
    assert values["mean_iou"] == result.miou and math.isfinite(values["loss"])

    folder = roadseg.export_model(run, to=tmp_path / "export")
    assert (folder / "saved_model.pb").is_file() and (folder / "model_card.json").is_file()

    with pytest.raises(roadseg.RoadsegError, match="multiples of 8, for my_net"):
        roadseg.train_recipe(recipe.replace(augment={"crop_size": (20, 32)}), run=tmp_path / "odd")


def test_layers_without_names_are_called_the_same_each_time(networks):
    """By these names checkpoints know their weights."""

    def unnamed(num_classes: int) -> keras.Model:
        images = keras.Input((None, None, 3))
        x = keras.layers.Conv2D(2, 1)(images)
        return keras.Model(images, keras.layers.Conv2D(num_classes, 1)(x))

    roadseg.register_model("unnamed", unnamed)
    before = keras.layers.Conv2D(1, 1).name
    first, second = (roadseg.create("unnamed", 3) for _ in range(2))
    paths = ["conv2d/kernel", "conv2d/bias", "conv2d_1/kernel", "conv2d_1/bias"]
    assert [weight.path for weight in first.weights] == paths
    assert [weight.path for weight in second.weights] == paths
    assert keras.layers.Conv2D(1, 1).name != before  # Keras goes on counting


def test_learned_sampling_is_put_before_a_network_of_ones_own(networks):
    roadseg.register_model("my_net", my_net)
    segmenter = roadseg.sampling.SampledSegmenter(
        roadseg.create("my_net", 5), roadseg.sampling.UniformSampler(), (8, 8)
    )
    assert segmenter(np.zeros((1, 24, 32, 3), "float32")).shape == (1, 24, 32, 5)


PACKAGE = """
    import keras
    import roadseg

    @roadseg.register_model("street", size_multiple=4)
    def street(num_classes, input_shape=(None, None, 3), width: int = 2):
        images = keras.Input(input_shape)
        x = keras.layers.Conv2D(width, 1, name="conv")(images)
        return keras.Model(images, keras.layers.Conv2D(num_classes, 1, name="logits")(x))

    number = 3
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a package of a user beside the work, which Python does not find by itself."""
    folder = tmp_path / "work" / "street_package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "nets.py").write_text(textwrap.dedent(PACKAGE))
    monkeypatch.chdir(folder.parent)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    yield "street_package.nets:street"
    for name in ("street_package", "street_package.nets"):
        sys.modules.pop(name, None)


def test_a_command_trains_the_network_at_a_path_and_evaluates_its_run(
    networks, package, records, capsys, monkeypatch
):
    words = ["--model", package, "--network.options", "width=5", "--run", "run"]
    words += ["--recipe", "fast_seg/bisenet_one_gpu", "--records", str(records), "--steps", "2"]
    words += [
        "--batch-size",
        "2",
        "--augment.crop-size",
        "24",
        "32",
        "--start.initial-weights",
        "none",
    ]
    words += ["--network.auxiliary-heads", "false", "--log.pictures-every-steps", "0"]
    assert main(["train", *words, "--augment.crop-size", "22", "32"]) == 2
    assert "multiples of 4, for street_package.nets:street" in capsys.readouterr().err
    assert main(["train", *words]) == 0
    assert roadseg.RunFolder("run").load_network().get_layer("conv").filters == 5
    assert registry.find(package).size_multiple == 4  # known by the path as by its name


def test_a_run_brings_no_code_of_the_folder_it_is_read_in(networks, package):
    """Only `train --model` looks beside the work: a stranger's run is not to be believed."""
    with pytest.raises(roadseg.RoadsegError, match="no module 'street_package'; install"):
        roadseg.create(package, 3)


def test_what_a_path_lacks_is_said(networks, package, monkeypatch):
    monkeypatch.syspath_prepend(".")
    assert isinstance(roadseg.create(package, 3, width=1), keras.Model)
    for path, message in (
        ("street_package.nets:road", "no function 'road' in .*there are: street"),
        ("street_package.nets:number", "no function 'number'"),
        ("street_package.nets:", "package.module:function"),
        (":street", "package.module:function"),
    ):
        with pytest.raises(roadseg.RoadsegError, match=message):
            roadseg.create(path, 3)


def test_installed_packages_offer_networks_by_entry_points(networks, package, monkeypatch):
    monkeypatch.syspath_prepend(".")
    offered = {"lane": package, "broken": "no_such_package.nets:net"}
    monkeypatch.setattr(registry, "offered_networks", lambda: offered)
    with pytest.warns(UserWarning, match="network 'broken' of no_such_package.nets:net"):
        assert "lane" in roadseg.list_models() and "broken" not in roadseg.list_models()
    assert roadseg.create("lane", 3).output_shape[-1] == 3


@pytest.mark.parametrize(
    ("name", "build", "spec", "message"),
    [
        ("icnet", my_net, {}, "'icnet' is a published network"),
        ("a:b", my_net, {}, "without a colon"),
        ("net", 3, {}, "3 is no function"),
        ("net", lambda width: None, {}, "takes num_classes first"),
        ("net", my_net, {"size_multiples": 8}, "no property 'size_multiples'; .*size_multiple"),
        ("net", my_net, {"size_multiple": 0}, "0 for a whole number"),
        ("net", my_net, {"task": "depth"}, "no task 'depth'"),
    ],
)
def test_what_is_no_network_is_refused(networks, name, build, spec, message):
    with pytest.raises(roadseg.RoadsegError, match=message):
        roadseg.register_model(name, build, **spec)
    assert all(map(registry.is_published, networks))


def test_errors_of_runs_are_said_before_tensorflow_is_loaded(tmp_path):
    code = """import sys, roadseg
calls = {
    "evaluate": lambda: roadseg.evaluate("nowhere"),
    "train": lambda: roadseg.train_recipe("fast_seg/bisenet", run="run"),
    "export": lambda: roadseg.export_model("nowhere", format="onnx"),
    "format": lambda: roadseg.export_model("nowhere", format="tflite"),
    "recipe": lambda: roadseg.train_recipe("fast_seg/bisnet"),
}
for name, call in calls.items():
    try:
        call()
    except roadseg.RoadsegError as error:
        print(name, error)
assert not {"tensorflow", "keras"} & set(sys.modules)"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        *("evaluate", "train", "export", "format", "recipe"),
    ]
