"""Edges of whole label maps, which go through scaling, cropping and flipping with the labels."""

from typing import Any

import tensorflow as tf

from roadseg.losses.edges import edge_maps
from roadseg.recipe.recipe import Recipe

Tensor = Any
BIT = 256
"""Beside a train id: 1 where an edge is."""


def with_edges(label: Tensor, recipe: Recipe) -> Tensor:
    """Return a label map (height, width) as uint16, with its edges in the bit above the ids."""
    label = tf.cast(label, tf.int32)
    found = edge_maps(label[None], recipe.edge_size, recipe.edge_margin)[0]
    return tf.cast(label + BIT * found, tf.uint16)


def apart(crop: Tensor) -> dict[str, Tensor]:
    """Return "label" and "edges", uint8, of a crop of what `with_edges` gave; padding has none."""
    return {"label": tf.cast(crop % BIT, tf.uint8), "edges": tf.cast(crop // BIT, tf.uint8)}
