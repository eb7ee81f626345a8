"""What the tests of precision share: small networks whose labels hang on the colours they see."""

import importlib.util

import keras
import numpy as np
import pytest

SIZE = (48, 64)
EXTRAS = {
    "onnx": ("tf2onnx", "onnx", "onnxruntime"),
    "litert": ("ai_edge_litert",),
    "openvino": ("openvino", "nncf"),
}


def needs(name: str) -> None:
    missing = [module for module in EXTRAS[name] if importlib.util.find_spec(module) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed (an extra)")


def colour_network(width: int = 16) -> keras.Model:
    """Return a network of four classes that tells bright and dark, red and blue apart."""
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((None, None, 3)),
        keras.layers.Rescaling(1 / 127.5, -1),
        keras.layers.Conv2D(width, 3, padding="same", activation="relu"),
        keras.layers.Conv2D(width, 3, padding="same", activation="relu"),
        keras.layers.Conv2D(4, 1),
    ]
    return keras.Sequential(layers, name="colours")


def streets(count: int, size: tuple[int, int] = SIZE) -> list[np.ndarray]:
    """Return coarse pictures of large patches of colour, with some grain."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(count):
        patches = random.integers(0, 256, (size[0] // 8, size[1] // 8, 3))
        image = np.kron(patches, np.ones((8, 8, 1))) + random.normal(0, 3, (*size, 3))
        found.append(np.clip(image, 0, 255).astype(np.uint8))
    return found
