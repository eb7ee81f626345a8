"""Batch normalisation of a training step as one operation instead of a dozen.

Keras computes moments, normalises, scales and shifts one after the other, each over the whole map,
and so does the gradient: two fifths of a training step of DeepLabv3-MobileNetV2 on a processor.
TensorFlow has one kernel for all of it, and one for its gradient.
"""

from typing import Any

import keras
import tensorflow as tf

from roadseg.layers.introspection import innermost_layers

Tensor = Any

SMALLEST_EPSILON = 1e-5
"""Of the kernel on GPUs."""


def fuse_batch_norm(model: keras.Model) -> keras.Model:
    """Return `model` itself; in training, its batch normalisations run as one kernel each.

    Values, gradients and running statistics are those of Keras but for rounding: the kernel's own
    running variance divides by n - 1, Keras's by n. Left as they are: layers over other axes than
    the last, of maps that are not (batch, height, width, channels), synchronised over replicas,
    in float64, or with an epsilon below 1e-5. Call it before the first step is traced.
    TensorFlow only.
    """
    for layer in innermost_layers(model):
        if type(layer) is keras.layers.BatchNormalization and _fits(layer):
            layer.call = _fused_call(layer)
    return model


def _fits(layer: Any) -> bool:
    return bool(
        layer.input_spec.ndim == 4
        and layer.axis in (-1, 3)
        and not layer.synchronized
        and not layer.renorm
        and layer.compute_dtype != "float64"
        and layer.epsilon >= SMALLEST_EPSILON
    )


def _fused_call(layer: Any) -> Any:
    """Return what takes the place of `layer.call`."""
    as_keras_does = layer.call

    def call(inputs: Tensor, training: bool | None = None, mask: Any = None) -> Tensor:
        if not (training and layer.trainable) or mask is not None:
            return as_keras_does(inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        result = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=keras.ops.cast(layer.gamma, "float32") if layer.scale else tf.ones(channels),
            offset=keras.ops.cast(layer.beta, "float32") if layer.center else tf.zeros(channels),
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=layer.epsilon,
            is_training=True,
        )
        number = tf.cast(tf.reduce_prod(tf.shape(inputs)[:3]), tf.float32)
        variance = result.batch_variance * ((number - 1) / number)
        kept = layer.momentum
        layer.moving_mean.assign(layer.moving_mean * kept + result.batch_mean * (1 - kept))
        layer.moving_variance.assign(layer.moving_variance * kept + variance * (1 - kept))
        return result.y

    return call
