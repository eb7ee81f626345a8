"""What goes into an exported model and what comes out of it in words, for the model card."""

from roadseg.export.formats import Format
from roadseg.export.interface import LABELS_OF_RGB, OUTPUTS, Interface, Size
from roadseg.export.views import prefixed

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
PROBABILITIES = {
    "signature": "serving_default",
    "name": "probabilities",
    "shape": "(batch, height, width, classes)",
    "type": "float32",
    "meaning": "share of each class, 0..1, by softmax of the logits",
}
CONFIDENCE = {
    "signature": "serving_default",
    "name": "confidence",
    "shape": "(batch, height, width)",
    "type": "float32",
    "meaning": "share of the best class, 0..1, by softmax of the logits",
}
PER_PIXEL = {one["name"]: one for one in (LABELS, LOGITS, PROBABILITIES, CONFIDENCE)}
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
NV12 = "NV12 of BT.601 in its limited range, even sides"


def input_of(size: Size | None = None, interface: Interface = LABELS_OF_RGB) -> dict[str, str]:
    """Return what an export takes: images of any size, or one (a pair) of `size` at a time."""
    given = dict(TWO_IMAGES if interface.views else INPUT)
    if interface.is_nv12:
        given["shape"] = given["shape"].replace("height, width, 3", "3 * height / 2, width")
        given["meaning"] = given["meaning"].replace("RGB, 0..255", NV12)
    if size is None:
        return given
    shape = ", ".join(map(str, interface.shape(size)))
    each = " each" if interface.views else ""
    return {
        **given,
        "shape": f"({shape}){each}",
        "meaning": given["meaning"].replace("any height and width", "of this size alone"),
    }


def outputs_of(
    format_name: str,
    sampled: bool,
    void: int | None,
    windows: bool = False,
    interface: Interface = LABELS_OF_RGB,
) -> list[dict[str, str]]:
    """Return what a format gives; only SavedModels have signatures, and full logits among them.

    sampled: whether the model samples; windows: and does so in windows of the image.
    void: the value of labels that is no class, None where every output is one.
    """
    pixels = {name: dict(one) for name, one in PER_PIXEL.items()}
    if void is not None:
        labels = f"; {void} is void: what the labels ignore was trained as an output"
        pixels["labels"]["meaning"] += labels
        for name in ("logits", "probabilities"):
            last = f"; the last of {void + 1} is void, no class of the label table"
            pixels[name]["meaning"] += last
    if format_name == "saved_model":
        outputs = _of_each_view(_of_signatures(interface, pixels), interface)
        return [*outputs, LOCATIONS] if sampled else outputs
    outputs = [pixels[name] for name in OUTPUTS if name in interface.outputs]
    outputs = _of_each_view(outputs, interface)
    outputs += [LOCATIONS, SAMPLE_LOGITS] if sampled else []
    outputs += [WINDOW_LOCATIONS] if sampled and windows else []
    return [{**output, "signature": "the only one"} for output in outputs]


def _of_each_view(outputs: list[dict[str, str]], interface: Interface) -> list[dict[str, str]]:
    """Return outputs of one image, or each of them once for every camera."""
    return [
        {
            **output,
            "name": prefixed(view, output["name"]),
            "meaning": f"of the {view} view: {output['meaning']}",
        }
        for output in outputs
        for view in interface.views
    ] or outputs


def _of_signatures(interface: Interface, pixels: dict[str, dict[str, str]]) -> list[dict[str, str]]:
    """Return the outputs of a SavedModel, whose signature `logits` is there in any case."""
    outputs = [pixels[name] for name in OUTPUTS if name in (*interface.outputs, "logits")]
    served = "logits" in interface.outputs
    both = "serving_default and logits" if served else "logits"
    return [{**one, "signature": both} if one["name"] == "logits" else one for one in outputs]


def call_of(kind: Format, interface: Interface) -> str:
    """Return Python that runs an export: its first output of each pixel, of each camera."""
    first = next(name for name in OUTPUTS if name in interface.outputs)
    return (kind.pair_call if interface.views else kind.call).replace("NAME", first)
