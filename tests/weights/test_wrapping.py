"""Weights as training scripts save them: prefixes, keys, forms; and what is no weight at all."""

import io
import json
import struct
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.layers.introspection import weights
from roadseg.models.original import Original
from roadseg.npz import ArrayFile
from roadseg.weights.forms import form_of
from roadseg.weights.match import ForeignWeights
from roadseg.weights.read import read_weights
from roadseg.weights.wrapping import find_tensors, plain_names

Arrays = dict[str, np.ndarray]
ORIGINAL = Original(lambda path: path.replace("/", "."), backbone=("backbone",))


def network() -> keras.Model:
    x = images = keras.Input((8, 8, 3))
    for name in ("backbone.a", "backbone.b", "head.c", "head.classifier"):
        x = keras.layers.Conv2D(2, 1, name=name)(x)
    return keras.Model(images, x, name="small")


def arrays() -> Arrays:
    random = np.random.default_rng(0)
    found = weights(network())
    return {
        path.replace("/", "."): random.normal(size=variable.shape).astype("f4")
        for path, (_, variable) in found.items()
    }


def saved(path: Path, values: Arrays) -> str:
    np.savez(path, **values)
    return str(path)


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod.", "net.module.", "network."]
)
def test_prefixes_that_every_name_shares_come_off(tmp_path: Path, prefix: str):
    values, model = arrays(), network()
    path = saved(tmp_path / "w.npz", {prefix + name: array for name, array in values.items()})
    assert len(read_weights(model, path, ORIGINAL).taken) == len(values)
    for name, (_, variable) in weights(model).items():
        np.testing.assert_array_equal(variable, values[name.replace("/", ".")])


@pytest.mark.parametrize("name", ["criterion.weight", "loss_fn.weight", "model.ce_loss.weight"])
def test_class_weights_of_a_loss_are_no_part_of_the_network(tmp_path: Path, name: str):
    values, model = arrays(), network()
    state = {f"model.{key}": array for key, array in values.items()}
    path = saved(tmp_path / "w.npz", {**state, name: np.ones(2, "f4")})
    assert len(read_weights(model, path, ORIGINAL).taken) == len(values)


def test_a_prefix_that_not_every_name_has_stays_another_networks(tmp_path: Path):
    values = {("model." if "a." in name else "") + name: array for name, array in arrays().items()}
    with pytest.raises(ForeignWeights):
        read_weights(network(), saved(tmp_path / "w.npz", values), ORIGINAL)


def test_a_prefix_that_the_network_has_itself_stays():
    wanted = {"model.a", "model.b"}
    assert set(plain_names(dict.fromkeys(wanted, 0), wanted, Original())) == wanted


class Tensor(int):
    """Stands for a tensor."""


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"weights": state, "epoch": 3, "optimizer": {"state": {0: {"m": Tensor()}}}},
        lambda state: {"epoch": 3, "state_dict_ema": state},
        lambda state: {"checkpoint": {"network": state}, "config": {"lr": 0.1}},
        lambda state: {"state_dict": state, "ema": state},
    ],
)
def test_the_dictionary_of_tensors_is_found_whatever_its_key(wrap):
    state = {"a.weight": Tensor(1), "a.bias": Tensor(2)}
    assert find_tensors(wrap(state), lambda value: isinstance(value, Tensor), "x.pth") is state


def test_of_several_dictionaries_of_tensors_none_is_guessed():
    content = {"teacher": {"a": Tensor()}, "student": {"a": Tensor()}}
    with pytest.raises(RoadsegError, match=r"several dictionaries .* \(teacher, student\);"):
        find_tensors(content, lambda value: isinstance(value, Tensor), "x.pth")


def test_safetensors_are_read_by_numpy_alone(tmp_path: Path):
    values, header, data = arrays(), {}, b""
    for name, array in values.items():
        place = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": place}
        data += array.tobytes()
    text = json.dumps(header).encode()
    path = tmp_path / "w.bin"
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    assert form_of(path) == "safetensors"
    assert len(read_weights(network(), str(path), ORIGINAL).taken) == len(values)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(RoadsegError, match="damaged .safetensors"):
        read_weights(network(), str(path), ORIGINAL)


@pytest.mark.parametrize("ending", [".pth", ".ckpt", ".bin", ".npz", ".weights"])
def test_a_zip_file_is_told_by_what_is_in_it(tmp_path: Path, ending: str):
    path = tmp_path / f"w{ending}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    assert form_of(path) == "pytorch"
    np.savez(path.open("wb"), a=np.ones(2))
    assert form_of(path) == "npz"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["backbone.a.kernel", "head.classifier.bias"])
def test_what_is_no_number_is_no_weight(tmp_path: Path, value: float, name: str):
    values, model = arrays(), network()
    values[name].flat[1] = value
    before = [np.asarray(variable) for variable in model.weights]
    with pytest.raises(RoadsegError, match=f"w.npz: '{name}' holds {value} at .*, which is"):
        read_weights(model, saved(tmp_path / "w.npz", values), ORIGINAL)
    for old, new in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(old, new)


def test_doubles_beyond_float32_are_no_weights_either(tmp_path: Path):
    values = arrays()
    values["backbone.a.bias"] = np.array([1e300, 0])
    with pytest.raises(RoadsegError, match=r"'backbone.a.bias' holds 1e\+300 at \[0\]"):
        read_weights(network(), saved(tmp_path / "w.npz", values), ORIGINAL)


@pytest.mark.parametrize("lacking", ["head.classifier", "head."])
def test_a_source_may_lack_the_last_layers_of_the_head_if_asked_for(tmp_path: Path, lacking: str):
    values = {n: array for n, array in arrays().items() if not n.startswith(lacking)}
    path = saved(tmp_path / "w.npz", values)
    with pytest.raises(ForeignWeights, match=r"w.npz: no whole small: it lacks .* of 8\), of"):
        read_weights(network(), path, ORIGINAL)
    assigned = read_weights(network(), path, ORIGINAL, head=False)
    assert len(assigned.taken) == len(values) and "head" in str(assigned)


@pytest.mark.parametrize("given", ["another shape", "nothing"])
def test_a_source_of_other_classes_gives_all_but_their_layers(tmp_path: Path, given: str):
    classifier = {"head.classifier/kernel", "head.classifier/bias"}
    values = arrays()
    for name in [name for name in values if name.startswith("head.classifier")]:
        array = values.pop(name)
        if given != "nothing":
            values[name] = np.concatenate([array, array], axis=-1)
    path = saved(tmp_path / "w.npz", values)
    found = read_weights(network(), path, ORIGINAL, class_dependent=lambda: set(classifier))
    assert set(found.other_classes) == classifier and not found.absent
    assert str(found).startswith("6 of 8 variables; initialised, other classes: head.classifier")
    with pytest.raises(RoadsegError, match="has shape|no whole small"):
        read_weights(network(), path, ORIGINAL)


def test_half_a_classifier_is_no_other_number_of_classes(tmp_path: Path):
    values = {n: array for n, array in arrays().items() if n != "head.classifier.bias"}
    path = saved(tmp_path / "w.npz", values)
    classifier = {"head.classifier/kernel", "head.classifier/bias"}
    with pytest.raises(ForeignWeights, match="it lacks head.classifier.bias"):
        read_weights(network(), path, ORIGINAL, class_dependent=lambda: set(classifier))


@pytest.mark.parametrize("lacking", ["head.c.", "backbone.b", "head.classifier.bias"])
def test_a_hole_elsewhere_is_refused(tmp_path: Path, lacking: str):
    values = {n: array for n, array in arrays().items() if not n.startswith(lacking)}
    with pytest.raises(ForeignWeights, match="it lacks"):
        read_weights(network(), saved(tmp_path / "w.npz", values), ORIGINAL)


def test_shapes_are_compared_before_an_array_is_inflated(tmp_path: Path, monkeypatch):
    values = arrays() | {"backbone.a.kernel": np.zeros((9000, 9000), "f4")}
    path = tmp_path / "w.npz"
    np.savez_compressed(path, **values)

    def never(self: ArrayFile, name: str) -> np.ndarray:
        raise AssertionError(name)

    monkeypatch.setattr(ArrayFile, "__getitem__", never)
    with pytest.raises(RoadsegError, match=r"has shape \(9000, 9000\), here it is"):
        read_weights(network(), str(path), ORIGINAL)


def test_a_header_that_promises_more_than_is_there_is_refused(tmp_path: Path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)}
    )
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("a.npy", header.getvalue() + bytes(8))
    with pytest.raises(RoadsegError, match="bytes where its header says"):
        ArrayFile(tmp_path / "w.npz")["a"]
