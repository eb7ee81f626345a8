"""A part of an ONNX graph in half precision, all else left as it is."""

from collections.abc import Collection
from typing import Any

import numpy as np


def halved(model: Any, inside: Collection[str]) -> Any:
    """Return `model` with the nodes called `inside` in half precision.

    Values are cast where they pass into that part and out of it, nowhere else: ONNX Runtime's own
    converter casts what passes between two nodes that stay in single precision to half and back,
    and locations with it. model: of one opset, its nodes in the order in which they run.
    """
    import onnx

    return _Halving(onnx, model, frozenset(inside)).model()


class _Halving:
    """What has been written so far: nodes, and which values there are in half precision."""

    def __init__(self, onnx: Any, model: Any, inside: frozenset[str]) -> None:
        self.onnx, self.given, self.inside = onnx, model, inside
        self.single, self.half = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
        graph = onnx.shape_inference.infer_shapes(model).graph
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.floats = {
            *(name for name, tensor in self.constants.items() if tensor.data_type == self.single),
            *(
                value.name
                for value in (*graph.value_info, *graph.input, *graph.output)
                if value.type.tensor_type.elem_type == self.single
            ),
        }
        self.needed = {output.name for output in graph.output}
        for node in graph.node:
            if node.name not in inside:
                self.needed.update(node.input)
        self.nodes: list[Any] = []
        self.halves: dict[str, str] = {}

    def model(self) -> Any:
        """Return the model, without constants that nothing takes any more."""
        for node in self.given.graph.node:
            self._write(node)
        made = self.onnx.ModelProto()
        made.CopyFrom(self.given)
        graph = made.graph
        for part in ("node", "initializer", "value_info"):
            graph.ClearField(part)
        graph.node.extend(self.nodes)
        taken = {name for node in self.nodes for name in node.input}
        graph.initializer.extend(x for name, x in self.constants.items() if name in taken)
        return made

    def _write(self, given: Any) -> None:
        if given.name not in self.inside:
            self.nodes.append(given)
            return
        node = self.onnx.NodeProto()
        node.CopyFrom(given)
        for place, name in enumerate(given.input):
            # Of a resize or a look-up, only the map itself may be in half precision.
            if name in self.floats and not (place and given.op_type in ("Resize", "GridSample")):
                node.input[place] = self._half(name)
        for attribute in node.attribute:
            if given.op_type == "Cast" and attribute.i == self.single:
                attribute.i = self.half
        self.nodes.append(node)
        for place, name in enumerate(given.output):
            if name in self.floats:
                node.output[place] = self.halves[name] = f"{name}/half"
                if name in self.needed:
                    self._cast(f"{name}/half", name, self.single)

    def _half(self, name: str) -> str:
        """Return the name of a value in half precision, made where there is none yet."""
        if name not in self.halves:
            self.halves[name] = half = f"{name}/half"
            if name in self.constants:
                values = self.onnx.numpy_helper.to_array(self.constants[name])
                self.constants[half] = self.onnx.numpy_helper.from_array(
                    values.astype(np.float16), half
                )
            else:
                self._cast(name, half, self.half)
        return self.halves[name]

    def _cast(self, name: str, to: str, kind: int) -> None:
        cast = self.onnx.helper.make_node("Cast", [name], [to], f"{to}/cast", to=kind)
        self.nodes.append(cast)
