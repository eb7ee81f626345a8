"""Records of two cameras, and networks with the parts of a coupled one, made in a moment."""

from pathlib import Path
from typing import Any

import numpy as np

from roadseg.label_tables.label_table import LabelTable
from roadseg.two_cameras.flow_files import encode_flow
from tests.examples import example_values, serialized

TABLE = LabelTable(
    name="tiny",
    names=("road", "car", "sky"),
    colours=((128, 64, 128), (0, 0, 142), (70, 130, 180)),
)
SIZE = (24, 32)
STRIDE = 4


def write_pairs(
    folder: Path,
    count: int = 4,
    split: str = "train",
    size: tuple[int, int] = SIZE,
    flow: Any = None,
) -> Path:
    """Write `count` pairs in which brightness tells the class, and return the folder.

    flow: (height, width, 2) to be stored with each pair, or None for none.
    """
    import tensorflow as tf

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "label_table.json").write_text(TABLE.to_json())
    random = np.random.default_rng(len(split))
    with tf.io.TFRecordWriter(str(folder / f"{split}-00000-of-00001.tfrecord")) as writer:
        for number in range(count):
            values = _view(random, size, f"fov120_{number:05d}")
            second = _view(random, size, f"fov60_{number:05d}")
            values |= {f"second/{key}": value for key, value in second.items()}
            if flow is not None:
                values |= {"flow/encoded": encode_flow(flow), "flow/format": b"flo"}
            writer.write(serialized(values))
    return folder


def _view(random: np.random.Generator, size: tuple[int, int], name: str) -> dict[str, Any]:
    label = np.zeros(size, np.uint8)
    top, left = random.integers(0, size[0] // 2), random.integers(0, size[1] // 2)
    label[top : top + 9, left : left + 9] = 1
    label[:4] = 2
    label[-2:, -2:] = 255
    image = np.asarray([60, 200, 120] + [0] * 252 + [90])[label][..., None]
    image = np.clip(image + random.integers(-30, 30, (*size, 3)), 0, 255).astype(np.uint8)
    return example_values(image, label, name)


def tiny_alone(num_classes: int, input_shape: Any = (None, None, 3)) -> Any:
    """Return a network for single images, its layers named as those of a coupled one."""
    import keras

    images = keras.Input(input_shape, name="image")
    logits = _head(_backbone()(images), num_classes)
    return keras.Model(images, keras.layers.UpSampling2D(STRIDE)(logits), name="tiny_alone")


def tiny_coupled(num_classes: int, input_shape: Any = (None, None, 3)) -> Any:
    """Return a network of two cameras with every part and every intermediate of a coupled one."""
    import keras
    from keras import layers

    images = {view: keras.Input(input_shape, name=view) for view in ("wide", "narrow")}
    backbone = _backbone()
    wide, narrow = backbone(images["wide"]), backbone(images["narrow"])
    logits = _head(wide, num_classes)
    joined = layers.Concatenate(name="joined")([wide, narrow])
    flow = layers.Conv2D(2, 1, name="flow_Network.conv")(joined)
    flow = layers.Activation("tanh", name="flow_Network.flow")(flow)
    seen = layers.Identity(name="wide_in_narrow")(logits)
    x = _fusion(layers.Concatenate(name="to_60")([seen, narrow, flow]), num_classes, "FFM_60")
    fused_narrow = layers.Identity(name="fused_narrow")(x)
    back = layers.Identity(name="narrow_in_wide")(fused_narrow)
    x = _fusion(layers.Concatenate(name="to_120")([logits, back]), num_classes, "FFM_120")
    fused = {"wide": layers.Identity(name="fused_wide")(x), "narrow": fused_narrow}
    outputs = {view: layers.UpSampling2D(STRIDE, name=f"up.{view}")(x) for view, x in fused.items()}
    return keras.Model(images, outputs, name="tiny_coupled")


def _backbone() -> Any:
    import keras
    from keras import layers

    images = keras.Input((None, None, 3))
    x = layers.Rescaling(2 / 255, offset=-1)(images)
    x = layers.Conv2D(4, 3, STRIDE, padding="same", use_bias=False, name="pretrained.conv")(x)
    x = layers.BatchNormalization(momentum=0.9, name="pretrained.bn")(x)
    return keras.Model(images, layers.ReLU()(x), name="backbone")


def _head(features: Any, num_classes: int) -> Any:
    from keras import layers

    return layers.Conv2D(num_classes, 1, name="head.project")(features)


def _fusion(maps: Any, num_classes: int, name: str) -> Any:
    from keras import layers

    x = layers.Conv2D(num_classes, 3, padding="same", name=f"{name}.conv")(maps)
    return layers.BatchNormalization(momentum=0.9, name=f"{name}.bn")(x)


def register(monkeypatch: Any) -> None:
    """Let runs build 'tiny_alone' and 'tiny_coupled' by their names."""
    from roadseg.models.registry import MODELS, ModelSpec
    from roadseg.models.two_cameras import PARTS

    alone = {name: PARTS[name] for name in ("backbone", "head")}
    entries = {
        "tiny_alone": ModelSpec(tiny_alone, parameters=0, parts=alone),
        "tiny_coupled": ModelSpec(tiny_coupled, parameters=0, task="two_cameras", parts=PARTS),
    }
    for name, entry in entries.items():
        monkeypatch.setitem(MODELS, name, entry)
