"""A network for single images, applied to the views of two cameras one after the other."""

import keras

from roadseg.models.two_cameras import CAMERAS


def both_cameras(network: keras.Model) -> keras.Model:
    """Return {"wide": images, "narrow": images} to logits by the same names.

    network: (batch, height, width, 3) to logits, with the weights that both cameras share. Each
    view goes through it by itself, so that in training batch statistics are those of one camera.
    Source: SemanticsSharing 9fc1fde, the mode `mobilenetv3`.
    """
    shape = network.input.shape[1:]
    views = {name: keras.Input(shape, name=name) for name in CAMERAS}
    logits = {name: network(view) for name, view in views.items()}
    return keras.Model(views, logits, name=f"{network.name}_on_both_cameras")
