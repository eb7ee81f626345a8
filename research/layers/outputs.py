"""How a network ends: every head's map at input size, alone or by name."""

from collections.abc import Mapping
from typing import Any

import keras

from roadseg.layers.precision import full_precision
from roadseg.layers.resize import ResizeLike

Tensor = Any


def segmentation_model(
    images: Tensor,
    heads: Mapping[str, Tensor],
    name: str,
    align_corners: bool | str = True,
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
