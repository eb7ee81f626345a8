"""What goes in and what comes out, in every format: NV12 or RGB, labels, logits, shares."""

import json
from functools import partial

import cv2
import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)

import roadseg
from roadseg import cli, label_tables
from roadseg.errors import RoadsegError
from roadseg.eval.benchmark.race.contestants import Setting
from roadseg.eval.benchmark.race.labellers import labeller_of_file
from roadseg.eval.benchmark.saved_model import SavedLabels
from roadseg.export import saved_model
from roadseg.export.converters import labels_function
from roadseg.export.described import outputs_of
from roadseg.export.formats import FORMATS
from roadseg.export.graphs.trial import counted
from roadseg.export.interface import OUTPUTS, Interface
from roadseg.export.model_card import preset_card, to_markdown
from roadseg.export.precision.write import write_float16, write_int8
from roadseg.ops.nv12 import frames_of
from roadseg.weights.presets import find_preset
from tests.export.precision.support import EXTRAS, SIZE, needs, streets
from tests.export.support import normalised_network, small_segmenter

EVERYTHING = {"rgb": Interface(OUTPUTS), "nv12": Interface(OUTPUTS, "nv12")}
# What a normalisation is in the graphs of the formats.
ARITHMETIC = {"Mul", "Add", "AddV2", "Sub", "Rsqrt", "Multiply", "Subtract", "MUL", "ADD", "SUB"}
FAST = ("saved_model", "onnx")
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("openvino", "litert")]


@pytest.fixture(scope="module")
def model():
    return normalised_network()


@pytest.fixture(scope="module")
def written(model, tmp_path_factory):
    """Return a format's file of all outputs from NV12, or from RGB where it takes no other."""
    folders = {}

    def write(name):
        if name in EXTRAS:
            needs(name)
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(name)
            FORMATS[name].write(model, folders[name], None, given(name))
        return folders[name]

    return write


def given(name: str) -> Interface:
    return EVERYTHING["nv12" if FORMATS[name].takes_nv12 else "rgb"]


def agree(found: dict[str, np.ndarray], share: float = 0, logit: float = 1e-4) -> None:
    """Check the outputs of a file against each other."""
    logits, probabilities = found["logits"], found["probabilities"]
    assert logits.dtype == probabilities.dtype == found["confidence"].dtype == np.float32
    assert found["labels"].dtype == np.int32
    # Of two classes that are equally good in 8 bits, either may be the label.
    best = np.take_along_axis(logits, found["labels"][..., None], axis=-1)[..., 0]
    assert np.abs(best - logits.max(axis=-1)).max() <= share
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares = exponentials / exponentials.sum(axis=-1, keepdims=True)
    assert np.abs(probabilities - shares).max() <= max(logit, share)
    assert np.abs(found["confidence"] - probabilities.max(axis=-1)).max() <= max(1e-6, share)


@pytest.mark.parametrize("name", [*FAST, *SLOW])
def test_a_file_labels_what_a_camera_gives_as_its_picture(model, written, name):
    """NV12 of a picture, turned into RGB by OpenCV for Keras and by the file for itself."""
    run, reference = FORMATS[name].run(written(name)), labels_function(model)
    for image in streets(2, (56, 72)):
        frame = given(name).frames(image[None])
        rgb = image if frame.ndim == 4 else cv2.cvtColor(frame[0], cv2.COLOR_YUV2RGB_NV12)
        found = run(frame)
        assert set(found) == set(OUTPUTS)
        assert len(np.unique(found["labels"])) > 1
        assert np.mean(found["labels"] != reference(rgb[None])["labels"].numpy()) <= 0.01
        agree(found)


@pytest.mark.parametrize("name", [*FAST, *SLOW])
def test_normalisations_are_part_of_convolutions(written, name):
    assert NODES[name](written(name)) == 0


def test_a_graph_of_tensorflow_has_nodes_of_each_normalisation_unless_they_are_folded(model):
    function = saved_model.signature_functions(model)["logits"]
    assert normalising(function.get_concrete_function().graph.as_graph_def()) >= 3 * 4


def _of_tensorflow(folder) -> int:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    return normalising(loaded.signatures["logits"].graph.as_graph_def())


def normalising(graph) -> int:
    """Return how many nodes of a graph with its functions are those of normalisations."""
    nodes = [*graph.node, *(node for one in graph.library.function for node in one.node_def)]
    kinds = [node.op for node in nodes]
    assert (kinds.count("Conv2D"), kinds.count("DepthwiseConv2dNative")) == (3, 1)
    return sum("batchnorm" in node.name for node in nodes)


def _of_onnx(folder) -> int:
    import onnx

    graph = onnx.load(str(folder / "model.onnx"))
    kinds = [node.op_type for node in graph.graph.node]
    assert counted(graph)["Conv"] == 4 and "BatchNormalization" not in kinds
    return sum(kind in ARITHMETIC for kind in kinds[kinds.index("Conv") :])


def _of_openvino(folder) -> int:
    import openvino

    model = openvino.Core().read_model(str(folder / "model.xml"))
    kinds = [node.get_type_name() for node in model.get_ordered_ops()]
    assert sum(kind.endswith("Convolution") for kind in kinds) == 4
    # Each convolution has its bias added.
    return sum(kind in ARITHMETIC for kind in kinds[kinds.index("Convolution") :]) - 4


def _of_litert(folder) -> int:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(folder / "model.tflite"))
    kinds = [detail["op_name"] for detail in interpreter._get_ops_details()]
    assert kinds.count("CONV_2D") == 3 and kinds.count("DEPTHWISE_CONV_2D") == 1
    return sum(kind in ARITHMETIC for kind in kinds[kinds.index("CONV_2D") :])


NODES = {
    "saved_model": _of_tensorflow,
    "onnx": _of_onnx,
    "openvino": _of_openvino,
    "litert": _of_litert,
}


def test_a_saved_model_of_nv12_labels_pictures_by_every_name_it_goes_by(written, tmp_path):
    folder = written("saved_model")
    (folder / "model_card.json").write_text(json.dumps(CARD))
    (image,) = streets(1, (56, 72))
    run = FORMATS["saved_model"].run(folder)
    expected = run(frames_of(image[None]))["labels"][0]
    network = roadseg.load(folder)
    assert np.array_equal(network(image).labels, expected)
    assert network.predict_confidence(image).shape == (56, 72)
    with pytest.raises(RoadsegError, match="image of 55x72: NV12 has even sides; give 54x72"):
        network(image[:-1])
    timed = SavedLabels(folder)
    assert np.array_equal(timed(timed.taken(image[None]))[0], expected)


def test_a_saved_model_without_labels_and_logits_is_no_network_to_label_with(tmp_path):
    import tensorflow as tf

    @tf.function(
        input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, name="image")],
        autograph=False,
    )
    def confidence(image):
        return {"confidence": tf.cast(image[..., 0], tf.float32)}

    tf.saved_model.save(tf.Module(), str(tmp_path), signatures={"serving_default": confidence})
    (tmp_path / "model_card.json").write_text(json.dumps(CARD))
    with pytest.raises(RoadsegError, match="gives confidence and no labels; export the run again"):
        roadseg.load(tmp_path)
    with pytest.raises(RoadsegError, match="gives confidence and no labels; export it again with"):
        SavedLabels(tmp_path)


def test_an_onnx_file_of_nv12_races_and_one_without_labels_does_not(written, model, tmp_path):
    path = written("onnx") / "model.onnx"
    (image,) = streets(1, (56, 72))
    expected = FORMATS["onnx"].run(path.parent)(frames_of(image[None]))["labels"][0]
    setting = Setting(threads=1, warm_up=0)
    labeller = labeller_of_file(path, setting)
    assert np.array_equal(labeller.label(image), expected)
    assert labeller.lap(image).ms > 0
    with pytest.raises(RoadsegError, match="image of 55x72: NV12 has even sides"):
        labeller.label(image[:-1])
    FORMATS["onnx"].write(model, tmp_path, SIZE, Interface(("confidence",)))
    with pytest.raises(RoadsegError, match="gives confidence and no labels; export it again with"):
        labeller_of_file(tmp_path / "model.onnx", setting)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float16", "int8"])
@pytest.mark.parametrize("name", EXTRAS)
def test_files_of_every_precision_give_everything(model, name, precision, tmp_path):
    needs(name)
    kind, interface, images = FORMATS[name], given(name), streets(6)
    if precision == "int8":
        write_int8(model, kind, images[:4], SIZE, tmp_path, interface)
    else:
        write_float16(model, kind, SIZE, tmp_path, interface)
    run, reference = kind.run(tmp_path), labels_function(model, SIZE, EVERYTHING["rgb"])
    for image in images[4:]:
        frame = interface.frames(image[None])[0]
        rgb = image if frame.ndim == 3 else cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_NV12)
        found, expected = run(frame[None]), reference(rgb[None])
        agree(found, share=0.02 if precision == "int8" else 2e-3, logit=0.02)
        assert np.mean(found["labels"] != expected["labels"].numpy()) <= 0.06
        away = np.abs(found["probabilities"] - expected["probabilities"].numpy())
        assert away.mean() <= 0.02


@pytest.mark.slow
@pytest.mark.parametrize("window", [None, (48, 64)])
@pytest.mark.parametrize("name", FORMATS)
def test_sampled_models_take_and_give_the_same(name, window, tmp_path):
    if name in EXTRAS:
        needs(name)
    model, interface = small_segmenter(window, "density" if window is None else "nus"), given(name)
    # Refuses other outputs than those of Keras.
    FORMATS[name].write(model, tmp_path, None, interface)
    image = np.random.default_rng(1).integers(0, 256, (2, 62, 150, 3), np.uint8)
    found = FORMATS[name].run(tmp_path)(interface.frames(image))
    assert found["labels"].shape == (2, 62, 150) and "locations" in found
    agree(found)


CARD = {
    "label_table": {
        "name": "colours",
        "names": ["a", "b", "c", "d"],
        "colours": [[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0]],
    }
}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--outputs", "scores"], "--outputs scores: there is labels, logits, probabilities, con"),
        (["--outputs", "labels", "labels"], "--outputs labels labels: give one or more of labels"),
        (["--input-format", "bgr"], "--input-format bgr: there is rgb, nv12"),
        (
            ["--input-format", "nv12", "--format", "litert"],
            "--input-format nv12: litert takes rgb; give --format saved_model or onnx or openvino",
        ),
        (
            ["--input-format", "nv12", "--size", "511x1024"],
            "--size 511x1024: NV12 has even sides; give 510x1024, or export with --input-format",
        ),
        (
            ["--outputs", "confidence", "--format", "onnx", "--precision", "float16"],
            "--outputs confidence: without labels, which the file is judged by; give --outputs",
        ),
    ],
)
def test_what_no_file_takes_or_gives_is_said_early_in_one_line(options, message, capsys):
    assert cli.main(["export", "nowhere", *options]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_the_card_names_what_goes_in_and_comes_out_and_how_to_get_it(model):
    interface = Interface(("confidence", "probabilities"), "nv12")
    name, table = "espnet/camvid", label_tables.get("camvid")
    of = partial(preset_card, name, find_preset(name), model, table, "openvino")
    card = of((48, 64), interface)
    assert card["input_format"] == "nv12" and card["input"]["shape"] == "(1, 72, 64)"
    assert [out["name"] for out in card["outputs"]] == ["probabilities", "confidence"]
    text = to_markdown(card)
    assert 'probabilities = model(images)["probabilities"]' in text and "BT.601" in text
    assert of(None, interface)["input"]["shape"] == "(batch, 3 * height / 2, width)"
    assert (of()["input_format"], of()["outputs_of_each_pixel"]) == ("rgb", ["labels"])
    void = outputs_of("onnx", False, 3, interface=interface)[0]["meaning"]
    assert void.endswith("the last of 4 is void, no class of the label table")
