"""How a network ends: every head's map at input size, alone or by name."""

from collections.abc import Mapping
from typing import Any

import keras

from roadseg.layers.precision import full_precision
from roadseg.layers.resize import ResizeLike
from roadseg.ops.resize import Corners

Tensor = Any
ENLARGED_BY_ORIGINAL = ("dabnet", "espnetv2", "fpn_", "icnet", "msfnet", "sfnet_")
"""How networks are called whose originals enlarge their first output to input size themselves."""


def segmentation_model(
    images: Tensor,
    heads: Mapping[str, Tensor],
    name: str,
    align_corners: Corners = True,
    keep_size: tuple[str, ...] = (),
) -> keras.Model:
    """Return the network from `images` to its heads, enlarged bilinearly to the size of `images`.

    heads: score maps of any size, (batch, h, w, classes), by name; "scores" is the main one. With
        that one alone the network returns a tensor, else a dict with the names of `heads`.
    keep_size: heads that stay at their own size.
    Layers: each head's own name.
    """
    outputs = {}
    for head, scores in heads.items():
        if head in keep_size:
            layer = keras.layers.Activation("linear", name=head, dtype=full_precision())
            outputs[head] = layer(scores)
            continue
        layer = ResizeLike(align_corners, name=head, dtype=full_precision())
        outputs[head] = layer([scores, images])
    if list(outputs) == ["scores"]:
        return keras.Model(images, outputs["scores"], name=name)
    return keras.Model(images, outputs, name=name)


def enlargement(model: keras.Model, head: str = "scores") -> ResizeLike | None:
    """Return the layer that enlarges a head's map where its original does not, if there is one."""
    layer = {layer.name: layer for layer in model.layers}.get(head)
    ends_there = head == "scores" and model.name.startswith(ENLARGED_BY_ORIGINAL)
    return layer if isinstance(layer, ResizeLike) and not ends_there else None


def own_scale(model: keras.Model) -> keras.Model:
    """Return `model` with the map of each head at the scale at which its original gives it.

    model: what a builder of `roadseg.models` returned.
    """
    outputs = model.output if isinstance(model.output, dict) else {"scores": model.output}
    heads = {}
    for head, enlarged in outputs.items():
        layer = enlargement(model, head)
        heads[head] = enlarged if layer is None else layer.input[0]
    return keras.Model(model.input, heads if len(heads) > 1 else heads["scores"])
