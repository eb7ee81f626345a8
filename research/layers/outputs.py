"""How a network ends: every head's map at input size, alone or by name."""

from collections.abc import Mapping
from typing import Any

import keras

from roadseg.layers.precision import full_precision
from roadseg.layers.resize import ResizeLike
from roadseg.ops.resize import Corners

Tensor = Any


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


def own_scale(model: keras.Model) -> keras.Model:
    """Return `model` up to its main scores at the scale they are decided at, as originals end.

    model: what a builder of `roadseg.models` returned; its other heads keep their own scales too.
    Raises ValueError for a model whose scores are not enlarged by a layer of that name.
    """
    names = list(model.output) if isinstance(model.output, dict) else ["scores"]
    heads = {}
    for name in names:
        layer = next((layer for layer in model.layers if layer.name == name), None)
        if not isinstance(layer, ResizeLike):
            raise ValueError(f"{model.name}: no layer '{name}' that enlarges a head's map")
        heads[name] = layer.input[0]
    return keras.Model(model.input, heads["scores"] if names == ["scores"] else heads)
