"""Whether other programs can take an ONNX file: its form, and a known shape everywhere."""

from pathlib import Path

from roadseg.errors import RoadsegError


def has_static_shapes(path: Path, target: Path) -> bool:
    """Return whether the shape of each value is known beforehand, as TensorRT likes it.

    target: where the file goes, for messages.
    Raises RoadsegError unless the file is sound by ONNX's own checker and its shape inference.
    """
    import onnx

    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model, full_check=True)
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = " ".join(str(error).split())[:160]
        raise RoadsegError(
            f"{target}: ONNX's checker refuses what was written ({reason}); export another format"
        ) from None
    values = (*inferred.graph.value_info, *inferred.graph.output)
    return all(
        side.HasField("dim_value") for value in values for side in value.type.tensor_type.shape.dim
    )
