"""What goes into an exported model, what comes out of it, and how each format is called."""

INPUT = {
    "name": "image",
    "shape": "(batch, height, width, 3)",
    "type": "uint8",
    "meaning": "RGB, 0..255, any height and width; normalisation is part of the model",
}
LABELS = {
    "signature": "serving_default",
    "name": "labels",
    "shape": "(batch, height, width)",
    "type": "int32",
    "meaning": "train id of the best class of each pixel, an index into the label table's names",
}
SCORES = {
    "signature": "scores",
    "name": "scores",
    "shape": "(batch, height, width, classes)",
    "type": "float32",
    "meaning": "class scores before the softmax, at full size",
}
TWO_IMAGES = {
    "name": "wide, narrow",
    "shape": "(batch, height, width, 3) each",
    "type": "uint8",
    "meaning": "the images of both cameras, RGB, 0..255; normalisation is part of the model",
}
LOCATIONS = {
    "signature": "serving_default and locations",
    "name": "locations",
    "shape": "(batch, views, h, w, 2)",
    "type": "float32",
    "meaning": "where the image was sampled, (row, column), 0 first pixel, 1 last pixel",
}

# Format -> Python that labels `images` with it, beside the model's files.
CALLS = {
    "saved_model": """\
import tensorflow as tf

model = tf.saved_model.load(".")
labels = model.signatures["serving_default"](image=images)["labels"]""",
    "onnx": """\
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
labels = session.run(None, {session.get_inputs()[0].name: images})[0]""",
    "litert": """\
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter("model.tflite")
index = interpreter.get_input_details()[0]["index"]
interpreter.resize_tensor_input(index, images.shape)
interpreter.allocate_tensors()
interpreter.set_tensor(index, images)
interpreter.invoke()
labels = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])""",
    "openvino": """\
import openvino

# Without the hint, processors with bfloat16 use it, and differ by half a percent of the labels.
model = openvino.Core().compile_model("model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
labels = model(images)[0]""",
}


# What the SavedModel of a network of two views is called by.
TWO_VIEWS_CALL = """\
import tensorflow as tf

model = tf.saved_model.load(".")
labels = model.signatures["serving_default"](wide=wide_images, narrow=narrow_images)
wide, narrow = labels["wide_labels"], labels["narrow_labels"]"""


def outputs_of_two_views() -> list[dict[str, str]]:
    """Return what the SavedModel of a network of two views gives."""
    outputs = []
    for output in (LABELS, SCORES):
        for view in ("wide", "narrow"):
            meaning = f"of the {view} view: {output['meaning']}"
            outputs.append({**output, "name": f"{view}_{output['name']}", "meaning": meaning})
    return outputs


def outputs_of(format_name: str, sampled: bool, void: int | None) -> list[dict[str, str]]:
    """Return what a format gives; only SavedModels have signatures, and scores among them.

    void: the value of labels that is no class, None where every output is one.
    """
    labels, scores = dict(LABELS), dict(SCORES)
    if void is not None:
        labels["meaning"] += f"; {void} is void: what the labels ignore was trained as an output"
        scores["meaning"] += f"; the last of {void + 1} is void, no class of the label table"
    if format_name == "saved_model":
        return [labels, scores, LOCATIONS] if sampled else [labels, scores]
    outputs = [labels, LOCATIONS] if sampled else [labels]
    return [{**output, "signature": "the only one"} for output in outputs]
