"""Each layer that `export.graphs` writes gives what Keras gives, at one size and at any."""

import importlib.util

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("export is TensorFlow's", allow_module_level=True)
if not all(importlib.util.find_spec(module) for module in ("onnx", "onnxruntime")):
    pytest.skip("onnx or onnxruntime not installed (an extra)", allow_module_level=True)

import onnxruntime
from keras import layers

from roadseg.export.graphs import samplers
from roadseg.export.graphs.graph import UnsupportedError
from roadseg.export.graphs.network import WRITERS, logits_graph
from roadseg.layers import flow, gates, normalisation, pooling, resize, scaled_map
from roadseg.layers.convolution import DilatedConv2D
from roadseg.layers.dilated_depthwise import DilatedDepthwiseConv2D
from roadseg.layers.flow_alignment import Blend, ChannelMeanAndMaximum, ChannelSlice
from roadseg.layers.flow_warp import FlowWarp
from roadseg.layers.grouped import GroupedConv2D
from roadseg.layers.homography import WarpByHomography
from roadseg.layers.light_aspp import WindowPooling
from roadseg.layers.strided_depthwise import StridedDilatedDepthwiseConv2D
from roadseg.layers.weighted_fusion import WeightedFusion
from roadseg.models.legal_sizes import CutToSize, PadToMultiple

SIZES = ((13, 22), (16, 11))


# Of a view that is turned, tilted and reaches beyond the other one.
TILTED = ((1.1, 0.2, -0.1), (-0.1, 0.9, 0.2), (0.1, -0.2, 1.0))


def rows(x, count):
    return pooling.AdaptiveAveragePooling((count, 9))(x)


def half(x):
    return layers.AveragePooling2D(2, padding="same")(x)


def wide(x, channels=6):
    return layers.Conv2D(channels, 3, padding="same")(x)


def normed(x):
    return layers.BatchNormalization()(x)


# What each case makes of an image with three channels.
CASES = {
    "valid": lambda x: layers.Conv2D(4, 3, activation="relu")(x),
    "same at stride 2": lambda x: layers.Conv2D(4, (5, 3), strides=2, padding="same")(x),
    "no bias": lambda x: layers.Conv2D(4, 3, use_bias=False)(x),
    "dilated": lambda x: DilatedConv2D(4, 3, dilation_rate=3, padding="same")(x),
    "padded": lambda x: layers.Conv2D(4, 3, strides=2)(layers.ZeroPadding2D(((1, 2), (0, 3)))(x)),
    "padding alone": lambda x: layers.ZeroPadding2D(2)(x),
    "groups": lambda x: GroupedConv2D(8, 3, groups=2, padding="same")(wide(x)),
    "many groups": lambda x: GroupedConv2D(24, 3, groups=12, padding="same")(wide(x, 12)),
    "depthwise": lambda x: layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x),
    "depthwise, dilated": lambda x: DilatedDepthwiseConv2D(3, dilation_rate=2, padding="same")(x),
    "depthwise, both": lambda x: StridedDilatedDepthwiseConv2D(3, 2, 3, use_bias=False)(x),
    "dense": lambda x: layers.Dense(5, activation="hard_sigmoid")(x),
    "transposed": lambda x: layers.Conv2DTranspose(5, 2, strides=2)(x),
    "normalised": lambda x: normed(wide(x)),
    "normalised, padded": lambda x: wide(normed(x)),
    "normalised, unpadded": lambda x: layers.Conv2D(4, 3)(normed(x)),
    "normalised, depthwise": lambda x: layers.DepthwiseConv2D(3)(normed(x)),
    "normalised twice": lambda x: normed(normed(half(x))),
    "normalised for two": lambda x: layers.Add()([wide(y := normed(x), 3), y]),
    "transposed, normalised": lambda x: normed(layers.Conv2DTranspose(5, 2, strides=2)(x)),
    "rescaled": lambda x: layers.Rescaling(1 / 127.5, -1)(x),
    "prelu": lambda x: layers.PReLU("uniform", shared_axes=[1, 2])(x),
    "leaky": lambda x: layers.LeakyReLU(0.1)(x),
    "relu": lambda x: layers.ReLU(6)(x),
    **{
        name: lambda x, name=name: layers.Activation(name)(x)
        for name in ("relu6", "sigmoid", "silu", "hard_silu", "tanh", "linear")
    },
    "max": lambda x: layers.MaxPooling2D(3, strides=2, padding="same")(x),
    "average": lambda x: layers.AveragePooling2D(3, strides=2, padding="same")(x),
    "global": lambda x: layers.GlobalAveragePooling2D(keepdims=True)(x),
    "sums": lambda x: layers.Add()([x, layers.Multiply()([x, x, x]), x]),
    "joined": lambda x: layers.Concatenate()([x, wide(x)]),
    "idle": lambda x: layers.SpatialDropout2D(0.1)(layers.Dropout(0.1)(layers.Identity()(x))),
    "rgb": lambda x: wide(normalisation.Normalise("rgb")(x)),
    "bgr": lambda x: wide(normalisation.Normalise("bgr")(x)),
    "df, not to a convolution": lambda x: half(normalisation.Normalise("df")(x)),
    "sizes": lambda x: normalisation.SizeRange((8, 40), (8, 40), "")(
        normalisation.SizeMultiple(1)(x)
    ),
    "any size": lambda x: CutToSize()(
        [
            wide(
                normalisation.Normalise("bgr")(
                    PadToMultiple(8, normalisation.mean_colour("bgr"))(x)
                )
            ),
            x,
        ]
    ),
    "any size but one": lambda x: PadToMultiple(4, (1.0, 2.0, 3.0), or_one_less=True)(x),
    "aligned": lambda x: resize.ResizeLike(True)([half(x), x]),
    "half pixel": lambda x: resize.ResizeLike("half_pixel")([half(x), x]),
    "corner": lambda x: resize.ResizeLike(False)([half(x), x]),
    "smaller": lambda x: resize.ResizeLike(True)([x, half(half(x))]),
    "one cell": lambda x: resize.ResizeLike(True)([pooling.AdaptiveAveragePooling(1)(x), x]),
    "repeated": lambda x: resize.RepeatLike()([half(x), x]),
    "by 3/2": lambda x: resize.ResizeBy(3, 2)(x),
    "by 1/16": lambda x: resize.ResizeBy(1, 16)(x),
    "to a multiple": lambda x: resize.ResizeToMultiple(8)(x),
    "scaled up": lambda x: scaled_map.ScaledMap(3, 2)(x),
    "scaled down": lambda x: scaled_map.ScaledMap(1, 10, least=5)(x),
    "averaged": lambda x: scaled_map.AverageLike()([x, layers.Conv2D(2, 4)(x)]),
    "shuffled": lambda x: half(scaled_map.ChannelShuffle(3)(wide(x))),
    "shuffled for one": lambda x: wide(scaled_map.ChannelShuffle(3)(wide(x))),
    "bins": lambda x: layers.Concatenate()(
        [
            resize.ResizeLike(True)([pooling.AdaptiveAveragePooling(bins)(x), x])
            for bins in (1, 2, 3, (6, 4), 14)
        ]
    ),
    "proportionate": lambda x: pooling.ProportionateAveragePooling(4)(x),
    "max, floor": lambda x: pooling.MaxPooling(signed=True)(x),
    "max, ceil": lambda x: pooling.MaxPooling(ceil_mode=True, signed=True)(x),
    "average, zeros": lambda x: pooling.AveragePooling()(x),
    "aware, max": lambda x: joined(pooling.SpatialAwarePooling(3, "max")(x), x),
    "aware, average": lambda x: joined(pooling.SpatialAwarePooling(3)(x), x),
    "aware, zeros": lambda x: joined(pooling.SpatialAwarePooling(2, count_padding=True)(x), x),
    "weighted": lambda x: WeightedFusion()([x, wide(x, 3), layers.ReLU()(x)]),
    "similar": lambda x: gates.Similarity()([x, wide(x, 3)]),
    "gated": lambda x: gates.GatedBlend()([x, wide(x, 3), wide(x, 1)]),
    "exchange": lambda x: joined(gates.Exchange()([x, wide(x, 3), wide(x, 3)]), x),
    "blend": lambda x: Blend()([x, wide(x, 3), wide(x, 1)]),
    "slice": lambda x: ChannelSlice(1, 3)(wide(x)),
    "pooled channels": lambda x: ChannelMeanAndMaximum()([x, wide(x)]),
    "denormalised": lambda x: normalisation.Denormalise("rgb")(half(x)),
    "denormalised, reversed": lambda x: normalisation.Denormalise("bgr")(half(x)),
    "costs": lambda x: flow.CostVolume(2)([wide(x), wide(x)]),
    "costs of nothing but the place": lambda x: flow.CostVolume(0)([wide(x), wide(x)]),
    "no flow": lambda x: layers.Add()([flow.NoFlow()(x), wide(x, 2)]),
    "flow resized": lambda x: flow.ResizeFlow()([half(wide(x, 2)), x]),
    "flow resized, right": lambda x: flow.ResizeFlow(True, False)([half(wide(x, 2)), x]),
    "flow enlarged": lambda x: flow.EnlargeFlow(3, True)(half(wide(x, 2))),
    "by flow": lambda x: flow.WarpByFlow(1)([half(wide(x)), wide(x, 2)]),
    "by flow, edges": lambda x: flow.WarpByFlow(-1, False)([half(wide(x)), wide(x, 2)]),
    "one row by flow": lambda x: flow.WarpByFlow()([rows(x, 1), half(wide(x, 2))]),
    "to one row by flow": lambda x: flow.WarpByFlow()([x, rows(wide(x, 2), 1)]),
    "by homography": lambda x: WarpByHomography(TILTED)(wide(x)),
    "by homography, edges": lambda x: WarpByHomography(TILTED, align_corners=False)(wide(x)),
    "by homography, to a size": lambda x: WarpByHomography(TILTED, (7, 9))(wide(x)),
    "by homography, rows short": lambda x: WarpByHomography(TILTED, rows_short=1)(wide(x)),
    "by homography, stretched": lambda x: WarpByHomography(TILTED, stretched=((30, 40), (50, 90)))(
        wide(x)
    ),
    "warp": lambda x: FlowWarp()([half(wide(x)), wide(x, 2)]),
    "warp, edges": lambda x: FlowWarp(align_corners=False)([half(wide(x)), wide(x, 2)]),
}


def joined(maps, x):
    return layers.Concatenate()([resize.ResizeLike(True)([y, x]) for y in maps])


def network(case):
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 3))
    model = keras.Model(image, CASES[case](image))
    random = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, (layers.BatchNormalization, WeightedFusion)):
            layer.set_weights([random.uniform(0.3, 1.5, w.shape) for w in layer.weights])
    return model


@pytest.mark.parametrize("case", CASES)
def test_a_layer_gives_what_keras_gives(case):
    model = network(case)
    random = np.random.default_rng(1)
    for size in (None, SIZES[0]):
        session = onnxruntime.InferenceSession(logits_graph(model, size).SerializeToString())
        for shape in SIZES if size is None else (size,):
            image = random.normal(0, 2, (1 if size else 2, *shape, 3)).astype(np.float32)
            expected = keras.ops.convert_to_numpy(model(image))
            (found,) = session.run(None, {"image": image})
            assert found.shape == expected.shape
            np.testing.assert_allclose(found, expected, atol=2e-5 * max(1, np.abs(expected).max()))


def test_every_layer_that_is_written_is_compared():
    compared = {type(layer) for case in CASES for layer in network(case).layers}
    # Those of samplers are compared in `test_sampled_graphs`.
    assert set(WRITERS) - {WindowPooling} - set(samplers.WRITERS) <= compared


def test_a_window_of_the_large_head_is_a_pooling():
    image = keras.Input((None, None, 3))
    model = keras.Model(image, WindowPooling()(image))
    given = np.random.default_rng(0).normal(size=(1, 66, 90, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(logits_graph(model, (66, 90)).SerializeToString())
    (found,) = session.run(None, {"image": given})
    assert found.shape == (1, 2, 3, 3)
    np.testing.assert_allclose(found, model(given), atol=1e-5)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda x: layers.GaussianNoise(0.1)(x), "GaussianNoise"),
        (lambda x: layers.Activation("mish")(x), "activation mish"),
        (lambda x: layers.GlobalAveragePooling2D()(x), "without keepdims"),
        (lambda x: layers.BatchNormalization(axis=1)(x), "along axis 1"),
        (lambda x: layers.Concatenate(axis=1)([x, x]), "along axis 1"),
        (lambda x: layers.Conv2DTranspose(2, 3, strides=2)(x), "kernel and strides differ"),
        (lambda x: layers.ReLU(5)(x), "another maximum than 6"),
        (lambda x: layers.PReLU()(x), "a slope for each pixel"),
        (lambda x: layers.Conv2D(2, 3, dtype="mixed_bfloat16", name="half")(x), "half in bfloat16"),
        (lambda x: x * 2, "Multiply"),
    ],
)
def test_what_nobody_writes_is_named(made, reason):
    image = keras.Input((8, 9, 3))
    with pytest.raises(UnsupportedError, match=reason):
        logits_graph(keras.Model(image, made(image)))
