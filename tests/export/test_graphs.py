"""ONNX graphs of whole networks: as few nodes as their layers need, and the labels of Keras."""

import importlib.util

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)
if not all(importlib.util.find_spec(module) for module in ("onnx", "onnxruntime")):
    pytest.skip("onnx or onnxruntime not installed (an extra)", allow_module_level=True)

import onnx
import onnxruntime

import roadseg
from roadseg.export import onnx as onnx_format
from roadseg.export.converters import labels_function
from roadseg.export.graphs import trial
from roadseg.export.graphs.network import labels_graph
from roadseg.export.graphs.table import measured
from roadseg.export.trial_images import trial_images
from roadseg.models.legal_sizes import padded_to_legal
from tests.export.support import small_network
from tests.support import deeper_copies_slow

SIZE = (64, 128)
# Network -> nodes for each convolution, at one size. BiSeNet and Fast-SCNN have almost two other
# layers a convolution; ESPNet has partial sums, and functions between its normalisations.
NODES = {"fast_scnn": 2.3, "espnet": 2.35, "deeplabv3_mobilenet_v2": 2.1, "bisenet": 2.6}
OF_ANY_SIZE = 1.6
# Nodes that are no operation of the network: sums and factors between two activations, the second
# of two products that average over bins of unlike sides, reversed channels.
REST = {"fast_scnn": 2, "espnet": 9, "deeplabv3_mobilenet_v2": 1, "bisenet": 1}
RESIZES = {"Gather", "GatherND", "GatherElements", "Slice", "ScatterND"}


# The largest of the four shows what the others show as well.
@pytest.fixture(scope="module", params=deeper_copies_slow(NODES, ["bisenet"]))
def network(request):
    keras.utils.set_random_seed(0)
    options = {"depth_multiplier": 0.35} if request.param.startswith("deeplab") else {}
    model = roadseg.create(request.param, 7, **options)
    trial.make_lively(model, trial_images(model, (), SIZE)[0])
    return request.param, model, labels_graph(model, SIZE), labels_graph(model)


def test_a_graph_has_a_node_or_two_for_each_layer(network):
    name, model, graph, of_any_size = network
    counts = trial.counted(graph)
    convolutions = trial.convolutions(counts)
    assert convolutions == trial.convolutions_of(model)
    parts = trial.parts_of(graph)
    assert sum(parts.values()) == sum(counts.values()) and parts["ends"] == 4
    assert parts["rest"] <= REST[name]
    assert sum(counts.values()) <= NODES[name] * convolutions
    assert sum(trial.counted(of_any_size).values()) <= OF_ANY_SIZE * sum(counts.values())
    for found in (counts, trial.counted(of_any_size)):
        assert found["Transpose"] == 1 and "BatchNormalization" not in found
    # What is left of channels in the other order is no resize.
    gathers = [node for node in graph.graph.node if node.op_type in RESIZES]
    assert all(node.attribute[0].i == 1 for node in gathers) and len(gathers) <= 1


def test_a_graph_labels_as_keras(network):
    _, model, graph, of_any_size = network
    fixed, free = (
        onnxruntime.InferenceSession(made.SerializeToString()) for made in (graph, of_any_size)
    )
    reference = labels_function(model)
    for image in trial_images(model, (), SIZE):
        expected = reference(image)["labels"].numpy()
        assert len(np.unique(expected)) > 3
        (found,) = fixed.run(None, {"image": image})
        assert found.dtype == np.int32 and np.mean(found != expected) <= 1e-3
    images = np.concatenate(trial_images(model, (), (96, 64)))
    (found,) = free.run(None, {"image": images})
    assert np.mean(found != reference(images)["labels"].numpy()) <= 1e-3


def test_a_graph_without_its_ends_gives_the_logits_of_the_labels(network):
    _, model, graph, _ = network
    image = trial_images(model, (), SIZE)[0]
    cut = trial.without_ends(graph, SIZE)
    assert not {"Cast", "ArgMax"} & {node.op_type for node in cut.graph.node}
    planes = image.transpose(0, 3, 1, 2).astype(np.float32)
    session = onnxruntime.InferenceSession(cut.SerializeToString())
    (logits,) = session.run(None, {session.get_inputs()[0].name: planes})
    whole = onnxruntime.InferenceSession(graph.SerializeToString())
    assert np.array_equal(logits.argmax(axis=1), whole.run(None, {"image": image})[0])


def test_images_padded_to_a_legal_size_take_three_nodes_more_at_most():
    keras.utils.set_random_seed(0)
    model = padded_to_legal(roadseg.create("fast_scnn", 5))
    inner = model.layers[-2]
    image = np.random.default_rng(0).integers(0, 256, (1, 70, 90, 3), np.uint8)
    trial.make_lively(inner, np.zeros((1, 64, 96, 3)))
    graph = labels_graph(model, (70, 90))
    assert len(graph.graph.node) <= len(labels_graph(inner, (96, 96)).graph.node) + 3
    (found,) = onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"image": image})
    assert np.mean(found != labels_function(model)(image)["labels"].numpy()) <= 1e-3


def test_a_network_with_an_unknown_layer_is_written_another_way_which_is_said(
    tmp_path, monkeypatch, capsys
):
    written = []
    monkeypatch.setattr(onnx_format, "convert", lambda function, path: written.append(path))
    model = keras.Sequential([small_network(), keras.layers.GaussianNoise(0.1)])
    onnx_format.write_graph(model, tmp_path / "model.onnx", None)
    assert written == [tmp_path / "model.onnx"]
    assert "GaussianNoise: written by tf2onnx" in capsys.readouterr().out
    onnx_format.write_graph(small_network(), tmp_path / "own.onnx", (32, 32))
    assert len(written) == 1 and onnx.load(tmp_path / "own.onnx").producer_name == "roadseg"


# OpenCV 5.0 shrinks their widened map wrongly, see docs/results/graphs.md.
NOT_OPENCV = {"dfseg_v1", "dfseg_v2"}


@pytest.mark.slow
@pytest.mark.parametrize("name", roadseg.list_models("segmentation"))
def test_every_network_is_written_and_labels_as_keras_in_every_runtime(name):
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("openvino not installed (an extra)")
    row = measured(name, (128, 256))
    assert "BatchNormalization" not in row.counts
    assert trial.convolutions(row.counts) == trial.convolutions_of(roadseg.create(name, 19))
    for runtime, equal in row.equal.items():
        if runtime != "OpenCV DNN" or name not in NOT_OPENCV:
            assert isinstance(equal, float) and equal >= 0.995, runtime
