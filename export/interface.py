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
LOGITS = {
    "signature": "logits",
    "name": "logits",
    "shape": "(batch, height, width, classes)",
    "type": "float32",
    "meaning": "class logits before the softmax, at full size",
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
SAMPLE_LOGITS = {
    "name": "sample_logits",
    "shape": "(batch * views, h, w, classes)",
    "type": "float32",
    "meaning": "class logits before the softmax, of the samples",
}
WINDOW_LOCATIONS = {
    "name": "window_locations",
    "shape": "(batch * views, h, w, 2)",
    "type": "float32",
    "meaning": "where each window was sampled, (row, column), 0..1 of the window",
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

labels = Interpreter("model.tflite").get_signature_runner()(image=images)["labels"]""",
    "openvino": """\
import openvino

# Without the hint, processors with bfloat16 use it, and differ by half a percent of the labels.
model = openvino.Core().compile_model("model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
labels = model(images)[0]""",
}


# What the SavedModel of a network of two cameras is called by.
TWO_CAMERAS_CALL = """\
import tensorflow as tf

model = tf.saved_model.load(".")
labels = model.signatures["serving_default"](wide=wide_images, narrow=narrow_images)
wide, narrow = labels["wide_labels"], labels["narrow_labels"]"""


def input_of(two_cameras: bool, size: tuple[int, int] | None = None) -> dict[str, str]:
    """Return what an export takes: images of any size, or one (a pair) of `size` at a time."""
    given = TWO_IMAGES if two_cameras else INPUT
    if size is None:
        return given
    height, width = size
    return {
        **given,
        "shape": given["shape"].replace("batch, height, width", f"1, {height}, {width}"),
        "meaning": given["meaning"].replace("any height and width", "of this size alone"),
    }


def outputs_of_two_cameras() -> list[dict[str, str]]:
    """Return what the SavedModel of a network of two cameras gives."""
    outputs = []
    for output in (LABELS, LOGITS):
        for view in ("wide", "narrow"):
            meaning = f"of the {view} view: {output['meaning']}"
            outputs.append({**output, "name": f"{view}_{output['name']}", "meaning": meaning})
    return outputs


def outputs_of(
    format_name: str, sampled: bool, void: int | None, windows: bool = False
) -> list[dict[str, str]]:
    """Return what a format gives; only SavedModels have signatures, and full logits among them.

    sampled: whether the model samples; windows: and does so in windows of the image.
    void: the value of labels that is no class, None where every output is one.
    """
    labels, logits = dict(LABELS), dict(LOGITS)
    if void is not None:
        labels["meaning"] += f"; {void} is void: what the labels ignore was trained as an output"
        logits["meaning"] += f"; the last of {void + 1} is void, no class of the label table"
    if format_name == "saved_model":
        return [labels, logits, LOCATIONS] if sampled else [labels, logits]
    outputs = [labels, LOCATIONS, SAMPLE_LOGITS] if sampled else [labels]
    outputs += [WINDOW_LOCATIONS] if sampled and windows else []
    return [{**output, "signature": "the only one"} for output in outputs]
