"""Asks the real tensorflow-addons; runs in an environment of its own (see addons_oracle.py).

The optimisers' constants are those of the stored fixture: decay 1e-2, rate 0.1, momentum 0.9.
"""

import json
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
import tensorflow as tf  # noqa: E402
import tensorflow_addons as tfa  # noqa: E402


def warp(rng):
    height, width = rng.integers(8, 40, 2)
    image = rng.normal(size=(2, height, width, 5)).astype("float32")
    flow = rng.normal(scale=4, size=(2, height, width, 2)).astype("float32")
    out = tfa.image.dense_image_warp(image, flow).numpy()
    return {"warp/image": image, "warp/flow": flow, "warp/out": out}


def correlation(rng):
    height, width = rng.integers(8, 32, 2)
    a, b = rng.normal(size=(2, 2, 7, height, width)).astype("float32")
    reach = int(rng.integers(1, 6))
    layer = tfa.layers.CorrelationCost(
        kernel_size=1,
        max_displacement=reach,
        stride_1=1,
        stride_2=1,
        pad=reach,
        data_format="channels_first",
    )
    return {"correlation/a": a, "correlation/b": b, "correlation/out": layer([a, b]).numpy()}


def resampler(rng):
    height, width = rng.integers(8, 40, 2)
    image = rng.normal(size=(2, height, width, 5)).astype("float32")
    xy = rng.uniform(-4, 44, size=(2, height, width, 2)).astype("float32")
    xy[:, :2] = np.round(xy[:, :2])
    out = tfa.image.resampler(image, xy).numpy()
    return {"resampler/image": image, "resampler/xy": xy, "resampler/out": out}


def focal(rng):
    y = rng.integers(0, 2, 64).astype("float32")
    p = rng.uniform(0.001, 0.999, 64).astype("float32")
    # One value for each row of a (64, 1) problem: the loss sums over the last axis.
    out = tfa.losses.sigmoid_focal_crossentropy(y[:, None], p[:, None], alpha=0.25, gamma=2.0)
    return {"focal/y": y, "focal/p": p, "focal/out": out.numpy()}


def optimizer(rng, name, instance):
    first = rng.normal(size=11).astype("float32")
    gradients = rng.normal(size=(5, 11)).astype("float32")
    weight, steps = tf.Variable(first), []
    for gradient in gradients:
        instance.apply_gradients([(tf.constant(gradient), weight)])
        steps.append(weight.numpy())
    return {f"{name}/w0": first, f"{name}/g": gradients, f"{name}/w": np.stack(steps)}


def main(path, seed):
    rng = np.random.default_rng(seed)
    sgdw = tfa.optimizers.SGDW(weight_decay=1e-2, learning_rate=0.1, momentum=0.9)
    adamw = tfa.optimizers.AdamW(weight_decay=1e-2, learning_rate=0.1)
    arrays = {
        **warp(rng),
        **correlation(rng),
        **resampler(rng),
        **focal(rng),
        **optimizer(rng, "sgdw", sgdw),
        **optimizer(rng, "adamw", adamw),
    }
    source = f"tensorflow-addons {tfa.__version__} on TensorFlow {tf.__version__}, seed {seed}"
    np.savez(path, meta=json.dumps({"source": source}), **arrays)
    print(source)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
