"""The packages that each format needs, and the line that installs them."""

import importlib.util

from roadseg.errors import RoadsegError

# Format -> the packages that write it and run it, each set by the extra of the format's name.
EXTRAS = {
    "onnx": ("tf2onnx", "onnxruntime", "onnx"),
    "litert": ("ai_edge_litert",),
    "openvino": ("openvino", "onnx"),
    "openvino-int8": ("nncf",),
}


def missing(name: str) -> list[str]:
    """Return the packages that the format `name` needs and that are not installed."""
    return [module for module in EXTRAS.get(name, ()) if importlib.util.find_spec(module) is None]


def need(name: str) -> None:
    """Raise RoadsegError, naming the extra to install, unless the format can be written here."""
    absent = missing(name)
    if absent:
        raise RoadsegError(
            f"--format {name.removesuffix('-int8')}: {', '.join(absent)} not installed; "
            f"pip install 'roadseg[{name}]'"
        )
