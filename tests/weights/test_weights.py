import tarfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

import roadseg
from roadseg import cli
from roadseg.errors import RoadsegError
from roadseg.layers.introspection import weights
from roadseg.models import slim_names
from roadseg.models.nus_sampler import nus_sampler
from roadseg.recipe import groups
from roadseg.recipe.recipe import Recipe
from roadseg.weights import keras_imagenet, load_initial_weights
from roadseg.weights.read import NUS_SAMPLER, original_of, read_weights
from tests.support import on_tensorflow

NAME = "deeplabv3_mobilenet_v2"
CLASSES = 5


@pytest.fixture(scope="module")
def model():
    return roadseg.create(NAME, CLASSES, output_stride=32, include_preprocessing=False)


def drawn(model: keras.Model, names=slim_names.reference_name) -> dict[str, np.ndarray]:
    """Return new values for every weight, by its name in the original."""
    rng = np.random.default_rng(0)
    shapes = {names(path): variable.shape for path, (_, variable) in weights(model).items()}
    return {name: rng.uniform(0.5, 1, shape).astype("float32") for name, shape in shapes.items()}


def assert_holds(model: keras.Model, arrays: dict, names=slim_names.reference_name) -> None:
    for path, (_, variable) in weights(model).items():
        if names(path) in arrays:
            np.testing.assert_array_equal(ops.convert_to_numpy(variable), arrays[names(path)])


def write_slim(folder: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Write a TensorFlow 1 checkpoint with these names and return its prefix."""
    import tensorflow as tf

    prefix = folder / "model.ckpt-30000"
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(arrays),
        shape_and_slices=[""] * len(arrays),
        tensors=[tf.constant(array) for array in arrays.values()],
    )
    return prefix


def random_keras_backbone(path: Path) -> keras.Model:
    """Return Keras's own MobileNetV2 with weights of our making, saved as the published file is."""
    backbone = keras.applications.MobileNetV2((96, 96, 3), include_top=False, weights=None)
    rng = np.random.default_rng(1)
    for variable in backbone.weights:
        low, high = (
            (0.5, 1.5) if "gamma" in variable.path or "variance" in variable.path else (-0.2, 0.2)
        )
        variable.assign(rng.uniform(low, high, variable.shape))
    backbone.save(path)
    return backbone


def test_kerass_imagenet_file_gives_kerass_own_features(model, tmp_path):
    backbone = random_keras_backbone(tmp_path / "backbone.h5")
    assigned = read_weights(model, str(tmp_path / "backbone.h5"), original_of(NAME), head=False)
    assert len(assigned.taken) == 260 - 5
    assert {path.split("/")[0].split(".")[0] for path in assigned.kept} == {
        "image_pooling", "aspp0", "concat_projection", "logits",
    }  # fmt: skip
    image = np.random.default_rng(2).uniform(-1, 1, (1, 96, 96, 3)).astype("float32")
    theirs = keras.Model(backbone.input, backbone.get_layer("block_16_project_BN").output)(image)
    ours = keras.Model(model.input, model.get_layer("backbone").output)(image)
    theirs, ours = ops.convert_to_numpy(theirs), ops.convert_to_numpy(ours)
    assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(theirs).max()


def test_imagenet_takes_the_published_size_nearest_to_the_sampling_size(
    model, tmp_path, monkeypatch
):
    random_keras_backbone(tmp_path / "backbone.h5")
    asked = []

    def fetch(name, address, cache_subdir):
        asked.append(address)
        return str(tmp_path / "backbone.h5")

    monkeypatch.setattr(keras.utils, "get_file", fetch)
    recipe = Recipe(
        name="x",
        task="segmentation",
        source="test",
        model=NAME,
        sampling=groups.Sampling(size=(192, 192)),
    )
    load_initial_weights(model, "imagenet", recipe)
    assert asked == [keras_imagenet.ADDRESS + keras_imagenet.FILE.format(size=192)]
    sizes = [(64, 64), (128, 256), (1024, 2048)]
    assert [keras_imagenet.nearest_size(*size) for size in sizes] == [96, 224, 224]


def test_a_machine_without_network_gets_one_sentence_and_the_way_out(model, monkeypatch):
    def no_network(*arguments, **keywords):
        raise Exception("URL fetch failure on https://...: None -- [Errno -3] Name resolution\nx")

    monkeypatch.setattr(keras.utils, "get_file", no_network)
    with pytest.raises(RoadsegError) as refused:
        read_weights(model, "imagenet", original_of(NAME), (128, 128))
    message = str(refused.value)
    assert "\n" not in message
    for part in ("_1.0_128_no_top.h5", "--start.initial-weights PATH", "'none'", "Errno -3"):
        assert part in message


def test_an_h5_of_something_else_is_refused(model, tmp_path):
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    other.save(tmp_path / "other.h5")
    with pytest.raises(RoadsegError, match="not the weights of Keras's MobileNetV2"):
        read_weights(model, str(tmp_path / "other.h5"), original_of(NAME))


@on_tensorflow
@pytest.mark.parametrize("form", ["prefix", "index", "archive"])
def test_a_slim_checkpoint_is_read_whole_without_its_optimiser(model, tmp_path, form):
    arrays = drawn(model)
    slots = {
        "global_step": np.int64(30000),
        "MobilenetV2/Conv/weights/Momentum": np.zeros((3, 3, 3, 32), "float32"),
        "MobilenetV2/Conv/weights/ExponentialMovingAverage": np.zeros((3, 3, 3, 32), "float32"),
    }
    prefix = write_slim(tmp_path, arrays | slots)
    source = prefix if form == "prefix" else Path(f"{prefix}.index")
    if form == "archive":
        source = tmp_path / "published.tgz"
        with tarfile.open(source, "w:gz") as archive:
            for path in tmp_path.glob("model.ckpt-*"):
                archive.add(path, f"published/{path.name}")
    assigned = read_weights(model, str(source), original_of(NAME))
    assert not assigned.kept
    assert_holds(model, arrays)


@on_tensorflow
def test_an_imagenet_checkpoint_lacks_the_head_and_has_a_classifier(model, tmp_path):
    arrays = {name: a for name, a in drawn(model).items() if name.startswith("MobilenetV2")}
    classifier = {
        "MobilenetV2/Conv_1/weights": np.zeros((1, 1, 320, 1280), "float32"),
        "MobilenetV2/Logits/Conv2d_1c_1x1/biases": np.zeros(1001, "float32"),
    }
    prefix = write_slim(tmp_path, arrays | classifier)
    assigned = read_weights(model, str(prefix), original_of(NAME), head=False)
    assert {path.split(".")[0] for path in assigned.taken} == {"backbone"}
    assert len(assigned.kept) == 3 * 5 + 2
    assert_holds(model, arrays)


@on_tensorflow
def test_the_auxiliary_network_is_read_from_its_scope(tmp_path):
    auxiliary = nus_sampler()
    arrays = drawn(auxiliary, slim_names.sampler_reference_name)
    prefix = write_slim(tmp_path, arrays)
    assert not read_weights(auxiliary, str(prefix), NUS_SAMPLER).kept
    assert_holds(auxiliary, arrays, slim_names.sampler_reference_name)


def test_an_npz_may_have_the_originals_names_or_ours(model, tmp_path):
    for names in (slim_names.reference_name, str):
        arrays = drawn(model, names)
        np.savez(tmp_path / "weights.npz", **arrays)
        assert not read_weights(model, str(tmp_path / "weights.npz"), original_of(NAME)).kept
        assert_holds(model, arrays, names)


def refusal(model: keras.Model, folder: Path, arrays: dict) -> str:
    """Return the message with which `arrays` are refused; the network keeps its weights."""
    before = [ops.convert_to_numpy(variable) for variable in model.weights]
    np.savez(folder / "weights.npz", **arrays)
    with pytest.raises(RoadsegError) as refused:
        read_weights(model, str(folder / "weights.npz"), original_of(NAME))
    for variable, values in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), values)
    message = str(refused.value)
    assert "\n" not in message
    assert str(folder / "weights.npz") in message
    return message


def test_what_is_missing_or_left_over_is_listed(model, tmp_path):
    arrays = drawn(model)
    del arrays["MobilenetV2/expanded_conv_3/expand/weights"]
    arrays["decoder/weights"] = np.zeros(3)
    message = refusal(model, tmp_path, arrays)
    assert "lacks MobilenetV2/expanded_conv_3/expand/weights" in message
    assert "also holds decoder/weights" in message


def test_half_a_head_is_refused(model, tmp_path):
    arrays = drawn(model)
    del arrays["logits/semantic/biases"]
    assert "lacks logits/semantic/biases" in refusal(model, tmp_path, arrays)


def test_another_class_count_is_refused_with_both_shapes(model, tmp_path):
    arrays = drawn(roadseg.create(NAME, 21))
    message = refusal(model, tmp_path, arrays)
    assert "logits/semantic/weights has shape (1, 1, 256, 21), here it is (1, 1, 256, 5)" in message
    assert "21 classes" in message


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("absent.npz", None),
        ("absent.tgz", None),
        ("broken.tgz", b"no archive"),
        ("broken.npz", b"x"),
        ("weights.pth", b"pickle"),
    ],
)
def test_an_absent_damaged_or_unknown_source_is_one_line(model, tmp_path, file, content):
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(RoadsegError) as refused:
        read_weights(model, str(tmp_path / file), original_of(NAME))
    assert file in str(refused.value)
    assert "\n" not in str(refused.value)


def test_none_leaves_the_weights_as_they_were_drawn(model):
    recipe = Recipe(name="x", task="segmentation", source="test")
    assert load_initial_weights(model, "none", recipe) is None


def test_the_command_writes_arrays_under_our_names(tmp_path, capsys):
    model = roadseg.create(NAME, CLASSES)
    arrays = drawn(model)
    np.savez(tmp_path / "reference.npz", **arrays)
    target = tmp_path / "new" / "weights.npz"
    line = ["import-weights", str(tmp_path / "reference.npz"), "--to", str(target)]
    assert cli.main([*line, "--num-classes", str(CLASSES)]) == 0
    with np.load(target) as written:
        assert set(written.files) == {variable.path for variable in model.weights}
        np.testing.assert_array_equal(written["aspp0/kernel"], arrays["aspp0/weights"])
    assert cli.main([*line, "--num-classes", "7"]) == 2
    assert "shape" in capsys.readouterr().err
    assert cli.main([*line, "--model", "deeplabv3"]) == 2
    assert NAME in capsys.readouterr().err
