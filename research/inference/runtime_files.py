"""Opens ONNX, OpenVINO, LiteRT, TorchScript and torch.export files, each in its own runtime."""

import importlib.util
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from roadseg.errors import RoadsegError

Layout = Literal["nchw", "nhwc"]
Shape = tuple[int | None, ...] | None
FILES = ("model.onnx", "model.xml", "model.tflite")
"""What exports of these formats are called in their folders."""


@dataclass(frozen=True)
class Quantised:
    """How an input of integers stands for numbers: number = scale * (integer - zero)."""

    scale: float
    zero: int


@dataclass(frozen=True)
class FileModel:
    """A file, loaded: what it takes and gives, and a call of it."""

    shape: Shape
    """Of its one input, None where a side is open; None where the file does not say."""
    dtype: np.dtype
    outputs: tuple[str, ...]
    """Names, or numbers where there are no names."""
    run: Callable[..., Sequence[np.ndarray]]
    """Takes the input and returns every output; or, with a number, that output alone or none."""
    quantised: Quantised | None = None


@dataclass(frozen=True)
class Runtime:
    """What runs files of some endings."""

    title: str
    package: str
    install: str
    """What pip is told to install."""
    usual_layout: Layout
    open: Callable[[Path, int], FileModel]
    """Takes the path, and how many threads a call may use."""


def _onnx(path: Path, threads: int) -> FileModel:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    names = [one.name for one in session.get_outputs()]
    word = given.type.removeprefix("tensor(").removesuffix(")")
    kind = np.dtype({"float": "float32", "double": "float64"}.get(word, word))
    shape = tuple(side if isinstance(side, int) else None for side in given.shape)

    def run(x: np.ndarray, output: int | None = None) -> list[np.ndarray]:
        return list(session.run(_chosen(names, output), {given.name: x}))

    return FileModel(shape, kind, tuple(names), run)


def _openvino(path: Path, threads: int) -> FileModel:
    import openvino

    # Float32 as everything else here: bfloat16, where there is any, would be another comparison.
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)
    given = compiled.inputs[0]
    shape = tuple(
        side.get_length() if side.is_static else None for side in given.get_partial_shape()
    )
    names = tuple(
        min(one.names) if one.names else str(number) for number, one in enumerate(compiled.outputs)
    )
    kind = np.dtype(given.get_element_type().to_dtype())

    def run(x: np.ndarray, output: int | None = None) -> list[np.ndarray]:
        found = compiled(x)
        return [found[one] for one in _chosen(compiled.outputs, output)]

    return FileModel(shape, kind, names, run)


def _litert(path: Path, threads: int) -> FileModel:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=threads)
    (given, *_), outputs = interpreter.get_input_details(), interpreter.get_output_details()
    signature = [side if side > 0 else None for side in given["shape_signature"]]
    # Tensors are called something like StatefulPartitionedCall:0; a signature has their names.
    named = interpreter._get_full_signature_list().get("serving_default", {}).get("outputs", {})
    names = {int(index): name for name, index in named.items()}
    scale, zero = given["quantization"]
    shaped: list[tuple[int, ...]] = []

    def run(x: np.ndarray, output: int | None = None) -> list[np.ndarray]:
        if [x.shape] != shaped:
            if list(x.shape) != list(given["shape"]) or None in signature:
                interpreter.resize_tensor_input(given["index"], x.shape)
            interpreter.allocate_tensors()
            shaped[:] = [x.shape]
        interpreter.set_tensor(given["index"], x)
        interpreter.invoke()
        return [interpreter.get_tensor(one["index"]) for one in _chosen(outputs, output)]

    return FileModel(
        tuple(signature),
        np.dtype(given["dtype"]),
        tuple(names.get(int(one["index"]), _short_name(one["name"])) for one in outputs),
        run,
        Quantised(float(scale), int(zero)) if scale else None,
    )


def _short_name(name: str) -> str:
    # Outputs of a signature are called StatefulPartitionedCall:0 inside.
    return name.partition(":")[0]


def _torch_script(path: Path, threads: int) -> FileModel:
    import torch

    torch.set_num_threads(threads)
    try:
        module = torch.jit.load(str(path), map_location="cpu").eval()
    except RuntimeError as error:
        raise RoadsegError(
            f"{path}: no TorchScript program ({_first_line(error)}); save one by torch.jit.trace "
            "or torch.export"
        ) from None
    return FileModel(None, np.dtype(np.float32), (), _torch_call(module))


def _torch_export(path: Path, threads: int) -> FileModel:
    import torch

    torch.set_num_threads(threads)
    program = torch.export.load(str(path))
    shape, kind = None, np.dtype(np.float32)
    names = program.graph_signature.user_inputs
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in names and "val" in node.meta:
            value = node.meta["val"]
            shape = tuple(side if isinstance(side, int) else None for side in value.shape)
            kind = np.dtype(str(value.dtype).removeprefix("torch."))
            break
    return FileModel(shape, kind, (), _torch_call(program.module()))


def _torch_call(module: Any) -> Callable[..., list[np.ndarray]]:
    import torch

    def run(x: np.ndarray, output: int | None = None) -> list[np.ndarray]:
        with torch.inference_mode():
            found = module(torch.from_numpy(x))
        if isinstance(found, dict):
            found = list(found.values())
        tensors = list(found) if isinstance(found, list | tuple) else [found]
        return [tensor.numpy() for tensor in _chosen(tensors, output)]

    return run


def _chosen(outputs: Sequence[Any], number: int | None) -> list[Any]:
    return list(outputs if number is None else outputs[number : number + 1])


RUNTIMES = {
    ".onnx": Runtime("ONNX Runtime", "onnxruntime", "'roadseg[onnx]'", "nchw", _onnx),
    ".xml": Runtime("OpenVINO", "openvino", "'roadseg[openvino]'", "nchw", _openvino),
    ".tflite": Runtime("LiteRT", "ai_edge_litert", "'roadseg[litert]'", "nhwc", _litert),
    ".pt": Runtime("TorchScript", "torch", "'roadseg[torch]'", "nchw", _torch_script),
    ".ts": Runtime("TorchScript", "torch", "'roadseg[torch]'", "nchw", _torch_script),
    ".pt2": Runtime("torch.export", "torch", "'roadseg[torch]'", "nchw", _torch_export),
}


def runtime_of(path: Path) -> Runtime:
    """Return what runs the file at `path`; RoadsegError where it is none, or is not installed."""
    runtime = RUNTIMES.get(path.suffix.lower())
    if runtime is None:
        raise RoadsegError(f"{path}: no file that can be timed; give {', '.join(RUNTIMES)}")
    if not path.is_file():
        raise RoadsegError(f"{path}: no such file; check the path")
    if path.suffix == ".xml" and not path.with_suffix(".bin").is_file():
        raise RoadsegError(f"{path}: no {path.with_suffix('.bin').name} beside it; copy both files")
    if not is_installed(runtime.package):
        raise RoadsegError(
            f"{path}: {runtime.package} is not installed; pip install {runtime.install}"
        )
    return runtime


def exported_file(folder: Path) -> Path | None:
    """Return the file in `folder` that one of these runtimes takes; None without any."""
    return next((folder / name for name in FILES if (folder / name).is_file()), None)


def is_export(folder: Path) -> bool:
    """Return whether `roadseg export` wrote `folder`, in any format."""
    return (folder / "saved_model.pb").is_file() or exported_file(folder) is not None


def of_two_cameras(names: Iterable[str]) -> bool:
    """Return whether outputs of these names are those of an export of two cameras."""
    return {name.partition("_")[0] for name in names} >= {"wide", "narrow"}


def is_installed(package: str) -> bool:
    """Return whether a package can be imported; imports nothing."""
    return importlib.util.find_spec(package) is not None


def open_file(path: Path, threads: int) -> FileModel:
    """Return the file at `path`, loaded by its runtime; RoadsegError where that refuses it."""
    runtime = runtime_of(path)
    try:
        return runtime.open(path, threads)
    except RoadsegError:
        raise
    except Exception as error:  # runtimes raise what they like for a file that is damaged
        raise RoadsegError(
            f"{path}: {runtime.title} cannot load it ({_first_line(error)}); export it again"
        ) from None


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
