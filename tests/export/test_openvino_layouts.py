"""Rewrites for OpenVINO's memory layouts: made where they apply, values as they were."""

from collections import Counter

import numpy as np
import pytest

openvino = pytest.importorskip("openvino")
from openvino import opset13 as ops  # noqa: E402

from roadseg.export.openvino_layouts import in_fast_layouts  # noqa: E402

CLASSES = 19
RNG = np.random.default_rng(0)


def constant(*numbers: int):
    return ops.constant(np.array(numbers, np.int64))


def run(model, maps: np.ndarray) -> list[np.ndarray]:
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    found = openvino.Core().compile_model(model, "CPU", exact)(maps)
    return [found[output] for output in found]


def kinds(model) -> Counter:
    return Counter(node.get_type_name() for node in model.get_ops())


def enlarging(shape, sides=(12, 20), axes=None, mode="linear_onnx", more=False, axis=1, **options):
    """Return a model of convolution, enlargement and the first of the highest classes."""
    maps = ops.parameter(openvino.PartialShape(shape), np.float32)
    kernel = np.random.default_rng(1).integers(-1, 2, (CLASSES, 3, 1, 1)).astype(np.float32)
    logits = ops.convolution(maps, ops.constant(kernel), [1, 1], [0, 0], [0, 0], [1, 1])
    options = {"coordinate_transformation_mode": "half_pixel", **options}
    sizes = sides
    arguments = {}
    if axes is None:
        batch = 1 if shape[0] == -1 else shape[0]
        sizes = (batch, CLASSES, *sides)
    else:
        arguments["axes"] = constant(*axes)
    larger = ops.interpolate(logits, constant(*sizes), mode, "sizes", **options, **arguments)
    best = ops.topk(larger, ops.constant(np.int64(1)), axis, "max", "value", "i64", stable=True)
    labels = ops.squeeze(best.output(1), constant(axis))
    outputs = [ops.result(labels), *([ops.result(larger)] if more else [])]
    return openvino.Model(outputs, [maps])


@pytest.mark.parametrize("shape", [(1, 3, 5, 9), (2, 3, 5, 9), (-1, 3, -1, -1)])
@pytest.mark.parametrize("axes", [None, (2, 3), (3, 2)])
@pytest.mark.parametrize("transformation", ["half_pixel", "align_corners"])
def test_classes_enlarged_one_by_one_have_the_same_labels(shape, axes, transformation):
    sides = (20, 12) if axes == (3, 2) else (12, 20)
    build = dict(sides=sides, axes=axes, coordinate_transformation_mode=transformation)
    plain = enlarging(shape, **build)
    rewritten = in_fast_layouts(enlarging(shape, **build))
    assert kinds(rewritten)["Reshape"] == kinds(plain)["Reshape"] + 2
    # A fixed size leaves no arithmetic of shapes in the file.
    assert (kinds(rewritten)["ShapeOf"] == 0) == (shape[0] != -1)
    # Small whole numbers: many classes are equally high, and the first of them is asked for.
    batch = 1 if shape[0] == -1 else shape[0]
    maps = RNG.integers(-1, 2, (batch, 3, 5, 9)).astype(np.float32)
    (found,), (expected,) = run(rewritten, maps), run(plain, maps)
    assert found.shape == (batch, 12, 20) and len(np.unique(expected)) > 5
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("classes", [2, 15, 16, 19, 33, 150])
def test_of_equal_classes_the_first_is_taken(classes):
    maps = ops.parameter([1, classes, 6, 7], np.float32)
    larger = ops.interpolate(
        maps, constant(24, 28), "linear_onnx", "sizes",
        coordinate_transformation_mode="half_pixel", axes=constant(2, 3),
    )  # fmt: skip
    best = ops.topk(larger, ops.constant(np.int64(1)), 1, "max", "value", "i64", stable=True)
    model = openvino.Model([ops.result(best.output(1)), ops.result(best.output(0))], [maps])
    model = in_fast_layouts(model)
    assert kinds(model)["Reshape"] == 2
    found = run(model, np.ones((1, classes, 6, 7), np.float32))[0]
    assert (found == 0).all()


@pytest.mark.parametrize("shape", [(2, 6, 7, CLASSES), (-1, -1, -1, CLASSES)])
@pytest.mark.parametrize("axis", [3, -1])
def test_of_classes_that_are_the_last_axis_the_same_are_the_highest(shape, axis):
    def build():
        maps = ops.parameter(openvino.PartialShape(shape), np.float32)
        best = ops.topk(maps, ops.constant(np.int64(1)), axis, "max", "value", "i32", stable=True)
        # Values and numbers, and these for two that take them.
        outputs = [best.output(0), best.output(1), ops.abs(best.output(1))]
        return openvino.Model([ops.result(output) for output in outputs], [maps])

    rewritten = in_fast_layouts(build())
    (node,) = (node for node in rewritten.get_ops() if node.get_type_name() == "TopK")
    assert node.get_attributes()["axis"] == 1
    # Small whole numbers: many classes are equally high.
    maps = RNG.integers(-2, 3, (2, 6, 7, CLASSES)).astype(np.float32)
    found, expected = run(rewritten, maps), run(build(), maps)
    np.testing.assert_array_equal(expected[1][..., 0], maps.argmax(-1))
    for ours, plain in zip(found, expected, strict=True):
        assert ours.dtype == plain.dtype
        np.testing.assert_array_equal(ours, plain)


@pytest.mark.parametrize(
    "build",
    [
        {"more": True},  # the enlarged logits are asked for as well
        {"mode": "cubic"},
        {"axis": 2},
    ],
)
def test_what_does_not_apply_is_left(build):
    plain, rewritten = (
        change(enlarging((1, 3, 5, 9), **build)) for change in (lambda m: m, in_fast_layouts)
    )
    assert kinds(rewritten) == kinds(plain)


@pytest.mark.parametrize("shape", [(2, 6, 5, 7), (-1, 6, -1, -1)])
def test_slopes_get_four_axes(shape):
    slopes = RNG.uniform(-1, 1, (6, 1, 1)).astype(np.float32)

    def build():
        maps = ops.parameter(openvino.PartialShape(shape), np.float32)
        return openvino.Model([ops.result(ops.prelu(maps, ops.constant(slopes)))], [maps])

    model = in_fast_layouts(build())
    (node,) = (node for node in model.get_ops() if node.get_type_name() == "PRelu")
    assert list(node.input_value(1).get_shape()) == [1, 6, 1, 1]
    maps = RNG.normal(size=(2, 6, 5, 7)).astype(np.float32)
    expected = np.where(maps > 0, maps, maps * slopes)
    np.testing.assert_allclose(run(model, maps)[0], expected, rtol=1e-6)


def test_slopes_of_another_shape_are_left():
    maps = ops.parameter([2, 6, 5, 7], np.float32)
    slopes = ops.constant(np.full(6, 0.25, np.float32))
    model = in_fast_layouts(openvino.Model([ops.result(ops.prelu(maps, slopes))], [maps]))
    (node,) = (node for node in model.get_ops() if node.get_type_name() == "PRelu")
    assert list(node.input_value(1).get_shape()) == [6]
