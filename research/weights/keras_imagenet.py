"""Keras's MobileNetV2, trained on ImageNet, as the backbone of our networks.

Its batch normalisation has the same epsilon, its input the same -1..1. It pads explicitly where
ours is `same`: alike on even sizes, half a stride apart on odd ones.
"""

from pathlib import Path

import numpy as np

from roadseg.errors import RoadsegError

SIZES = (96, 128, 160, 192, 224)
ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
FILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_{size}_no_top.h5"


def nearest_size(height: int, width: int) -> int:
    """Return the published training size nearest to the longer side."""
    return min(SIZES, key=lambda size: abs(size - max(height, width)))


def read_imagenet(size: int) -> dict[str, np.ndarray]:
    """Return the backbone's arrays by Keras's names, trained at `size`, fetched if not yet here.

    Raises RoadsegError, with the address and the way out, where there is no network.
    """
    import keras

    name = FILE.format(size=size)
    try:
        path = keras.utils.get_file(name, ADDRESS + name, cache_subdir="models")
    except Exception as error:  # Keras raises a plain Exception for every failed download.
        raise RoadsegError(
            f"imagenet: {ADDRESS + name} could not be fetched ({_first_line(error)}); fetch it "
            "elsewhere and name the file with --start.initial-weights PATH, or start from 'none'"
        ) from None
    return read_keras_file(Path(path))


def read_keras_file(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an `.h5` of Keras's MobileNetV2 without top, by Keras's names.

    The 1280-channel last layer is left out. Raises RoadsegError for anything else than that file.
    """
    import keras

    if not path.is_file():
        raise RoadsegError(f"{path}: no such file; check the path")
    try:
        # Without top no weight depends on the size; the smallest is the quickest.
        backbone = keras.applications.MobileNetV2(
            input_shape=(SIZES[0], SIZES[0], 3), include_top=False, weights=str(path)
        )
    except (OSError, ValueError, KeyError) as error:
        raise RoadsegError(
            f"{path}: not the weights of Keras's MobileNetV2, width 1.0, without top "
            f"({_first_line(error)}); its file is called {FILE.format(size='<size>')}"
        ) from None
    arrays = {variable.path: np.asarray(variable) for variable in backbone.weights}
    return {name: array for name, array in arrays.items() if not name.startswith("Conv_1")}


def keras_name(path: str) -> str:
    """Return what Keras's MobileNetV2 calls the weight at `path` of one of our networks.

    `backbone.expanded_conv_3.expand.bn/gamma` is `block_3_expand_BN/gamma` there. A weight outside
    the backbone keeps its name, which Keras's network does not have.
    """
    layer, variable = path.rsplit("/", 1)
    scopes = layer.split(".")
    if scopes[0] != "backbone":
        return path
    if scopes[1] == "conv":
        return f"bn_Conv1/{variable}" if scopes[-1] == "bn" else f"Conv1/{variable}"
    block = scopes[1].replace("expanded_conv_", "block_")
    suffix = "_BN" if scopes[-1] == "bn" else ""
    return f"{block}_{scopes[2]}{suffix}/{variable}"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
