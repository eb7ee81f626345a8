"""Examples in the DeepLab schema, as other software writes them, for tests that read records."""

import cv2
import numpy as np


def example_values(image: np.ndarray, label: np.ndarray, name: str) -> dict[str, bytes | int]:
    """Return the values of one example: RGB (height, width, 3) and labels, uint8, as PNG."""
    return {
        "image/encoded": cv2.imencode(".png", image[..., ::-1])[1].tobytes(),
        "image/filename": name.encode(),
        "image/format": b"png",
        "image/height": image.shape[0],
        "image/width": image.shape[1],
        "image/channels": 3,
        "image/segmentation/class/encoded": cv2.imencode(".png", label)[1].tobytes(),
        "image/segmentation/class/format": b"png",
    }


def serialized(values: dict) -> bytes:
    """Return a tf.train.Example of those `values` that are not None."""
    import tensorflow as tf

    def feature(value: bytes | int) -> object:
        if isinstance(value, int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    features = {key: feature(value) for key, value in values.items() if value is not None}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
