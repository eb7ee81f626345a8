"""Runs an exported SavedModel on one picture, in a process that has TensorFlow and nothing of ours.

example: python demo_saved_model.py runs/adaptive/export/saved_model street.png labelled.png
"""

import json
import sys
import time
from pathlib import Path

import tensorflow as tf


def main(saved_model: str, picture: str, to: str) -> None:
    """Label `picture`, write it with its classes' colours over it to `to`, say what is seen."""
    assert "roadseg" not in sys.modules, "this process is to show that TensorFlow alone is enough"
    model = tf.saved_model.load(saved_model)
    classes = json.loads(Path(saved_model, "model_card.json").read_text())["label_table"]
    image = tf.io.decode_image(tf.io.read_file(picture), channels=3, expand_animations=False)
    label = model.signatures["serving_default"]
    outputs = label(image=image[None])
    start = time.perf_counter()
    outputs = label(image=image[None])
    milliseconds = 1000 * (time.perf_counter() - start)
    labels = outputs["labels"][0]
    colours = tf.gather(tf.constant(classes["colours"], tf.int32), labels)
    painted = tf.cast((tf.cast(image, tf.int32) + colours) // 2, tf.uint8)
    tf.io.write_file(to, tf.io.encode_png(painted))
    ids, _, counts = tf.unique_with_counts(tf.reshape(labels, [-1]))
    shares = sorted(
        zip(counts.numpy() / labels.numpy().size, ids.numpy(), strict=True), reverse=True
    )
    print(f"TensorFlow {tf.__version__}, no roadseg: {picture}, {image.shape[0]}x{image.shape[1]}")
    print(f"labels in {milliseconds:.0f} ms; {to} shows them; classes by share:")
    print(", ".join(f"{classes['names'][id_]} {share:.1%}" for share, id_ in shares[:8]))


if __name__ == "__main__":
    main(*sys.argv[1:])
