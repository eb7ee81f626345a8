"""The formats: one table of what writes each, runs it and installs it, and of what it can hold."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roadseg.errors import RoadsegError

if TYPE_CHECKING:
    import keras

Size = tuple[int, int]
Run = Callable[..., dict[str, Any]]
"""Takes uint8 images, of several cameras by name; returns arrays by the names of the outputs."""

PRECISIONS = ("float32", "float16", "int8")


@dataclass(frozen=True)
class Format:
    """One format. Its modules are imported when they are needed."""

    name: str
    module: str
    """Of `write_NAME(model, folder, size, interface)`, `run_NAME(path)` and FILE."""
    call: str
    """Python that labels `images`, run beside the model's files; NAME stands for an output."""
    pair_call: str
    """Python that labels `wide_images` and `narrow_images`, of two cameras."""
    packages: tuple[str, ...] = ()
    """What writes it and runs it, of the extra that has the format's name."""
    reduced: str | None = None
    """Module of the quantiser and `write_half`, see `precision`; None for float32 alone."""
    quantiser: str = ""
    """Class of that module."""
    int8_packages: tuple[str, ...] = ()
    """More for int8, of the extra FORMAT-int8."""
    takes_nv12: bool = True

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions that files of it have."""
        return PRECISIONS if self.reduced else PRECISIONS[:1]

    @property
    def file(self) -> str:
        """What the file of a model is called; nothing where it is a folder."""
        return str(self._own("FILE"))

    def write(self, model: "keras.Model", folder: Path, size: Size | None, interface: Any) -> None:
        """Write `model` to an empty folder, and check what was written.

        interface: what it takes and gives, an `Interface` of `interface`, which imports this.
        """
        self._own(f"write_{self.name}")(model, folder, size, interface)

    def run(self, folder: Path) -> Run:
        """Return what runs the model in `folder` by its own runtime."""
        found: Run = self._own(f"run_{self.name}")(folder / self.file)
        return found

    @property
    def quantiser_class(self) -> Any:
        """What writes files in 8 bits, a `precision.search.Quantiser`."""
        return self._reduced(self.quantiser)

    @property
    def write_half(self) -> Any:
        """What writes a file in half precision."""
        return self._reduced("write_half")

    def _reduced(self, name: str) -> Any:
        assert self.reduced is not None, f"{self.name} has float32 alone"
        return getattr(importlib.import_module(self.reduced), name)

    def _own(self, name: str) -> Any:
        return getattr(importlib.import_module(self.module), name)


_ALL = (
    Format(
        "saved_model",
        "roadseg.export.saved_model",
        """\
import tensorflow as tf

model = tf.saved_model.load(".")
NAME = model.signatures["serving_default"](image=images)["NAME"]""",
        """\
import tensorflow as tf

model = tf.saved_model.load(".")
found = model.signatures["serving_default"](wide=wide_images, narrow=narrow_images)
wide, narrow = found["wide_NAME"], found["narrow_NAME"]""",
    ),
    Format(
        "onnx",
        "roadseg.export.onnx",
        """\
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
(NAME,) = session.run(["NAME"], {session.get_inputs()[0].name: images})""",
        """\
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
images = {"wide": wide_images, "narrow": narrow_images}
wide, narrow = session.run(["wide_NAME", "narrow_NAME"], images)""",
        ("tf2onnx", "onnxruntime", "onnx"),
        "roadseg.export.precision.onnx",
        "OnnxQuantiser",
    ),
    Format(
        "litert",
        "roadseg.export.litert",
        """\
from ai_edge_litert.interpreter import Interpreter

NAME = Interpreter("model.tflite").get_signature_runner()(image=images)["NAME"]""",
        """\
from ai_edge_litert.interpreter import Interpreter

run = Interpreter("model.tflite").get_signature_runner()
found = run(wide=wide_images, narrow=narrow_images)
wide, narrow = found["wide_NAME"], found["narrow_NAME"]""",
        ("ai_edge_litert",),
        "roadseg.export.precision.litert",
        "LiteRTQuantiser",
        takes_nv12=False,
    ),
    Format(
        "openvino",
        "roadseg.export.openvino",
        """\
import openvino

# Without the hint, processors with bfloat16 use it, and differ by half a percent of the labels.
model = openvino.Core().compile_model("model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
NAME = model(images)["NAME"]""",
        """\
import openvino

# Without the hint, processors with bfloat16 use it, and differ by half a percent of the labels.
model = openvino.Core().compile_model("model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
found = model({"wide": wide_images, "narrow": narrow_images})
wide, narrow = found["wide_NAME"], found["narrow_NAME"]""",
        ("openvino", "onnx"),
        "roadseg.export.precision.openvino",
        "OpenvinoQuantiser",
        ("nncf",),
    ),
)
FORMATS = {kind.name: kind for kind in _ALL}


def find_format(name: str) -> Format:
    """Return the format called `name`; RoadsegError for none."""
    if name not in FORMATS:
        raise RoadsegError(f"--format {name}: there is {', '.join(FORMATS)}")
    return FORMATS[name]
