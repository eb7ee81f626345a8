"""Rewrites of an OpenVINO model that keep its maps in the memory layout its kernels like.

OpenVINO chooses for each operation whether the channels of a pixel lie together or apart. Three
things of a segmentation network make it choose badly (2026.4, a processor with AVX-512):

- A slope of PReLU of shape (C, 1, 1), as ONNX has it. What it is fused with then runs with channels
  apart, its neighbours, convolutions, with channels together, and every map is turned twice: a
  quarter of ESPNet's time. Of shape (1, C, 1, 1) nothing is turned.
- The highest of the classes of a pixel after an enlargement of all classes. With channels together,
  that takes eight times as long as with channels apart (62 ms and 8 on one core, 19 classes of
  512x1024): two fifths of Fast-SCNN's time. So classes are enlarged as single maps, which leaves
  them apart.
- The highest of the classes where these are the last axis, as they are on the way from samples to
  pixels: a quarter of `camvid_density`. With the map turned round it takes a tenth of that.

Values stay what they were.
"""

from typing import Any

import numpy as np


def in_fast_layouts(model: Any) -> Any:
    """Return `model`, an `openvino.Model`, itself, rewritten where that applies."""
    for node in list(model.get_ordered_ops()):
        if node.get_type_name() == "PRelu":
            _slope_of_four_axes(node)
        elif node.get_type_name() == "TopK":
            _classes_apart(node)
            _classes_first(node)
    model.validate_nodes_and_infer_types()
    return model


def _slope_of_four_axes(node: Any) -> None:
    from openvino import opset13 as ops

    slope = node.input_value(1).get_node()
    if slope.get_type_name() == "Constant" and node.input_value(0).get_partial_shape().rank == 4:
        values = slope.get_data()
        if values.ndim == 3 and values.shape[1:] == (1, 1):
            # Of one type with the map it slopes, whatever that is.
            four = ops.constant(values[None], slope.get_element_type())
            node.input(1).replace_source_output(four.output(0))


def _classes_apart(node: Any) -> None:
    """Enlarge each class by itself before `node`, which looks for the highest of them."""
    from openvino import opset13 as ops

    source = node.input_value(0)
    enlarged = source.get_node()
    if enlarged.get_type_name() != "Interpolate" or len(source.get_target_inputs()) > 1:
        return
    options, classes = enlarged.get_attributes(), source.get_partial_shape()[1]
    axes = _axes(enlarged)
    if (
        enlarged.get_type_info().version_id != "opset11"
        or node.get_attributes()["axis"] != 1
        or source.get_partial_shape().rank != 4
        or classes.is_dynamic
        or options["mode"] not in ("linear", "linear_onnx")
        or any(options["pads_begin"]) or any(options["pads_end"])
        or 2 not in axes or 3 not in axes
    ):  # fmt: skip
        return

    def whole(*numbers: int) -> Any:
        return ops.constant(np.array(numbers, np.int64))

    def chosen(numbers: Any, *which: int) -> Any:
        node = numbers.get_node()
        if node.get_type_name() == "Constant":
            return ops.constant(node.get_data()[list(which)])
        return ops.gather(numbers, whole(*which), ops.constant(np.int64(0)))

    def reshaped(map_: Any, first: list[int], *sides: int) -> Any:
        """Return `map_` with sizes `first` and then its own `sides`."""
        known = [map_.get_partial_shape()[side] for side in sides]
        if all(size.is_static for size in known):
            shape = whole(*first, *(size.get_length() for size in known))
        else:
            own = chosen(ops.shape_of(map_).output(0), *sides)
            shape = ops.concat([whole(*first), own], 0)
        return ops.reshape(map_, shape, special_zero=False)

    larger = ops.interpolate(
        reshaped(enlarged.input_value(0), [-1], 2, 3),
        chosen(enlarged.input_value(1), axes.index(2), axes.index(3)),
        options["mode"],
        options["shape_calculation_mode"],
        coordinate_transformation_mode=options["coordinate_transformation_mode"],
        nearest_mode=options["nearest_mode"],
        antialias=options["antialias"],
        cube_coeff=options["cube_coeff"],
        axes=whole(1, 2),
    )
    back = reshaped(larger.output(0), [-1, classes.get_length()], 1, 2)
    node.input(0).replace_source_output(back.output(0))


def _classes_first(node: Any) -> None:
    """Look for the highest class along the second axis where the classes are the last of four."""
    from openvino import opset13 as ops

    source, options = node.input_value(0), node.get_attributes()
    if source.get_partial_shape().rank != 4 or options["axis"] not in (3, -1):
        return
    found = ops.topk(
        ops.transpose(source, ops.constant(np.array([0, 3, 1, 2]))),
        node.input_value(1),
        1,
        options["mode"],
        options["sort"],
        options["index_element_type"],
        options["stable"],
    )
    back = ops.constant(np.array([0, 2, 3, 1]))
    for number in range(node.get_output_size()):
        turned = ops.transpose(found.output(number), back)
        for target in node.output(number).get_target_inputs():
            target.replace_source_output(turned.output(0))


def _axes(enlarged: Any) -> list[int]:
    if enlarged.get_input_size() < 3:
        return [0, 1, 2, 3]
    axes = enlarged.input_value(2).get_node()
    return [int(axis) for axis in axes.get_data()] if axes.get_type_name() == "Constant" else []
