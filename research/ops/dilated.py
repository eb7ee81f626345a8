"""Dilated convolution of maps whose size is known only when the graph runs."""

from typing import Any

import keras

from roadseg.ops.backend import tensorflow

Tensor = Any


def dilated_convolution(x: Tensor, kernel: Tensor, dilation: int, padding: str) -> Tensor:
    """Return the convolution of `x` at stride 1 with its taps `dilation` pixels apart.

    x: (batch, height, width, channels). kernel: (rows, columns, channels, filters).
    padding: 'same' or 'valid', as Keras has them.
    On TensorFlow Keras turns this into SpaceToBatch, convolution, BatchToSpace, with paddings that
    are computed from the size. In a graph whose size is known only when it runs, with several
    dilations side by side, TensorFlow's constant folding takes these paddings for those of another
    size, and the graph fails ("padded_shape is not divisible by block_shape"). TensorFlow's own
    convolution takes dilations directly, on CPUs as well, and is used for every size, so that a
    picture gets the same labels alone and after others. Its gradient is not there on every CPU:
    where the size is known, the gradient is that of Keras's way.
    """
    tf = tensorflow()
    if tf is None:
        return keras.ops.conv(x, kernel, padding=padding, dilation_rate=dilation)
    # Read out of its variable here: inside, custom gradients would want to be told of variables.
    x, kernel = (tf.identity(keras.ops.convert_to_tensor(part)) for part in (x, kernel))

    def direct(x: Tensor, kernel: Tensor) -> Tensor:
        return tf.nn.conv2d(x, kernel, 1, padding.upper(), dilations=dilation)

    if None in tuple(x.shape)[1:3]:
        return direct(x, kernel)

    @tf.custom_gradient
    def convolve(x: Tensor, kernel: Tensor) -> Any:
        def gradient(upstream: Tensor) -> Any:
            with tf.GradientTape() as tape:
                tape.watch([x, kernel])
                y = keras.ops.conv(x, kernel, padding=padding, dilation_rate=dilation)
            return tape.gradient(y, [x, kernel], upstream)

        return direct(x, kernel), gradient

    return convolve(x, kernel)
