"""How a network ends: every head's map at input size, alone or by name."""

from collections.abc import Mapping
from typing import Any

import keras

from roadseg.layers.precision import full_precision
from roadseg.layers.resize import ResizeLike
from roadseg.ops.resize import Corners

Tensor = Any
OUTPUT = "output."
"""How the layer is called that gives a head's logits at input size: this and the head's name."""


def segmentation_model(
    images: Tensor,
    heads: Mapping[str, Tensor],
    name: str,
    align_corners: Corners = True,
    keep_size: tuple[str, ...] = (),
    upsampled_in_original: bool = False,
) -> keras.Model:
    """Return the network from `images` to its heads, upsampled bilinearly to the size of `images`.

    heads: logits of any size, (batch, h, w, classes), by name; "logits" is the main one. With
        that one alone the network returns a tensor, else a dict with the names of `heads`.
    keep_size: heads that stay at their own size.
    upsampled_in_original: the original network upsamples its main head to input size itself.
    Layers: `output.<head>` for each head.
    """
    outputs = {}
    for head, logits in heads.items():
        if head in keep_size:
            # Computes nothing: it names the logits and brings them to full precision.
            layer = keras.layers.Activation("linear", name=OUTPUT + head, dtype=full_precision())
            outputs[head] = layer(logits)
            continue
        layer = ResizeLike(
            align_corners,
            in_original=upsampled_in_original and head == "logits",
            name=OUTPUT + head,
            dtype=full_precision(),
        )
        outputs[head] = layer([logits, images])
    if list(outputs) == ["logits"]:
        return keras.Model(images, outputs["logits"], name=name)
    return keras.Model(images, outputs, name=name)


def main_logits(outputs: Any) -> Any:
    """Return the main logits of what a network gives: alone, or by name beside other heads."""
    return outputs["logits"] if isinstance(outputs, dict) else outputs


def upsampling(model: keras.Model, head: str = "logits") -> ResizeLike | None:
    """Return the layer that upsamples a head's logits where its original does not, if any."""
    layer = {layer.name: layer for layer in model.layers}.get(OUTPUT + head)
    return layer if isinstance(layer, ResizeLike) and not layer.in_original else None


def own_scale(model: keras.Model) -> keras.Model:
    """Return `model` with the logits of each head at the scale at which its original gives them.

    model: what a builder of `roadseg.models` returned.
    """
    outputs = model.output if isinstance(model.output, dict) else {"logits": model.output}
    heads = {}
    for head, upsampled in outputs.items():
        layer = upsampling(model, head)
        heads[head] = upsampled if layer is None else layer.input[0]
    return keras.Model(model.input, heads if len(heads) > 1 else heads["logits"])
