"""Dilated convolutions of maps whose size is known only when the graph runs."""

from typing import Any

import keras

from roadseg.ops.backend import tensorflow
from roadseg.ops.division import quotient_up

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


def dilated_depthwise(x: Tensor, kernel: Tensor, dilation: tuple[int, int], padding: str) -> Tensor:
    """Return the depthwise convolution of `x` at stride 1 with its taps `dilation` pixels apart.

    x: (batch, height, width, channels). kernel: (rows, columns, channels, multiplier).
    dilation: of rows and of columns. padding: 'same' or 'valid', as Keras has them.
    Keras's way is that of `dilated_convolution`, with the same failure, and TensorFlow has no
    dilated depthwise convolution of its own on every CPU. Where the size is not known, the pixels
    that one output sees are gathered into maps of their own, `dilation` times as small, by
    reshaping alone: the same sums in the same order, hence the same values to the last bit.
    """
    tf = tensorflow()
    if tf is None or max(dilation) == 1 or None not in tuple(x.shape)[1:3]:
        return keras.ops.depthwise_conv(x, kernel, padding=padding, dilation_rate=dilation)
    kernel = tf.cast(keras.ops.convert_to_tensor(kernel), x.dtype)
    spans = [(taps - 1) * apart for taps, apart in zip(kernel.shape, dilation, strict=False)]
    before = [span // 2 if padding == "same" else 0 for span in spans]
    batch, *sides = tf.unstack(tf.shape(x)[:3])
    outputs = [
        side if padding == "same" else side - span for side, span in zip(sides, spans, strict=True)
    ]
    small = [quotient_up(side, apart) for side, apart in zip(outputs, dilation, strict=True)]
    pads = [
        (start, count * apart + span - start - side)
        for start, count, apart, span, side in zip(
            before, small, dilation, spans, sides, strict=True
        )
    ]
    x = tf.pad(x, [(0, 0), *pads, (0, 0)])
    high, wide = (count + taps - 1 for count, taps in zip(small, kernel.shape, strict=False))
    rows, columns = dilation
    x = tf.reshape(x, (batch, high, rows, wide, columns, x.shape[3]))
    x = tf.transpose(x, (2, 4, 0, 1, 3, 5))
    x = tf.reshape(x, (rows * columns * batch, high, wide, x.shape[5]))
    y = keras.ops.depthwise_conv(x, kernel, padding="valid")
    y = tf.reshape(y, (rows, columns, batch, *small, y.shape[3]))
    y = tf.transpose(y, (2, 3, 0, 4, 1, 5))
    y = tf.reshape(y, (batch, small[0] * rows, small[1] * columns, y.shape[5]))
    return y[:, : outputs[0], : outputs[1]]
