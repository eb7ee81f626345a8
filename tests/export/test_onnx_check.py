"""An ONNX file is checked by the format's own checker, and asked for its shapes."""

from pathlib import Path

import pytest

from roadseg.errors import RoadsegError
from roadseg.export.onnx_check import has_static_shapes

onnx = pytest.importorskip("onnx", reason="onnx not installed (an extra)")


def write(path: Path, side: int | None, kind: str = "Relu") -> Path:
    shape = (1, side, 4)
    given, made = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in "xy"
    )
    node = onnx.helper.make_node(kind, ["x"], ["y"])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "test", [given], [made]))
    onnx.save(model, str(path))
    return path


def test_shapes_are_static_where_every_side_is_known(tmp_path: Path) -> None:
    assert has_static_shapes(write(tmp_path / "a.onnx", 3), tmp_path)
    assert not has_static_shapes(write(tmp_path / "b.onnx", None), tmp_path)


def test_a_file_that_the_checker_refuses_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RoadsegError, match="x: ONNX's checker refuses what was written") as caught:
        has_static_shapes(write(tmp_path / "a.onnx", 3, "NoSuchThing"), tmp_path / "x")
    assert "\n" not in str(caught.value)
