"""Weights that come with the package: kernels as half floats, by our own names, in one `.npz`.

A trained network joins by two edits: its file into `weights/shipped`, a row into `presets.PRESETS`.
"""

import hashlib
import io
from pathlib import Path

import keras
import numpy as np

from roadseg.checkpoint import write_file
from roadseg.errors import RoadsegError
from roadseg.layers.walk import weights


def write_halves(model: keras.Model, path: Path) -> tuple[int, str]:
    """Write the weights of `model` to `path`; return bytes and SHA-256, for the preset's row.

    Kernels become half floats; biases and statistics, whose range is wider, stay float32.
    Raises RoadsegError for a kernel with values that half floats have not.
    """
    arrays = {}
    for name, (_, variable) in weights(model).items():
        values = keras.ops.convert_to_numpy(variable).astype(np.float32)
        if values.ndim > 1:
            with np.errstate(over="ignore"):
                values = values.astype(np.float16)
            if not np.isfinite(values).all():
                raise RoadsegError(f"{name}: values beyond half floats; ship it another way")
        arrays[name] = values
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    content = stream.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, lambda file: file.write(content))
    return len(content), hashlib.sha256(content).hexdigest()
