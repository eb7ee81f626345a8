"""Reads PyTorch's and Paddle's checkpoints: tensors alone, by loaders that run no code in them."""

import pickle
import re
import tarfile
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.weights.pickled import read_paddle_content, read_torch_content
from roadseg.weights.wrapping import find_tensors, without_wrapping

SUFFIXES = (".pth", ".pt", ".pth.tar")
ADVICE = "where you trust it, open it with PyTorch and save the network's state_dict()"


def is_pytorch(source: Path) -> bool:
    """Return whether the name of `source` is a PyTorch checkpoint's.

    A file that is called `.tar` and is no such archive is one too: STDC's backbones.
    """
    if source.name.endswith(SUFFIXES):
        return True
    return source.suffix == ".tar" and source.is_file() and not tarfile.is_tarfile(source)


def read_pytorch(source: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a state dictionary by their PyTorch names, kernels as PyTorch has them.

    Unwrapped from what training scripts put around it, without the `module.` of DataParallel and
    the counters of batch normalisation, which Keras has not.
    PyTorch itself is not needed. Raises RoadsegError for a file that is absent or damaged (the
    checksums of zip files are looked at, which PyTorch itself does not), and for a pickle of
    anything else than tensors, which is not opened.
    """
    if not source.is_file():
        raise RoadsegError(f"{source}: no such file; check the path")
    _check_zip(source)
    state = find_tensors(_content(source), _is_tensor, str(source))
    return without_wrapping(_arrays(state, source))


def read_paddle(source: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a Paddle checkpoint (`.params`, `.pdparams`) by PyTorch's names.

    Raises RoadsegError for a file that is absent or damaged, or holds anything else than arrays.
    """
    state = find_tensors(read_paddle_content(source), _is_tensor, str(source))
    return without_wrapping(_arrays(state, source))


def _content(source: Path) -> Any:
    """Return what a file holds: by PyTorch's own loader where it is installed, else by ours."""
    try:
        import torch
    except ImportError:
        return read_torch_content(source)
    try:
        with warnings.catch_warnings(action="ignore"):
            return torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise RoadsegError(f"{source}: {_refusal(error)}") from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError) as error:
        raise RoadsegError(
            f"{source}: not a checkpoint of tensors ({_reason(error)}); copy the file again, or "
            "save the network's state_dict()"
        ) from None


def _check_zip(source: Path) -> None:
    """Raise RoadsegError for a member whose checksum differs; older files are no zip archives."""
    if not zipfile.is_zipfile(source):
        return
    try:
        with zipfile.ZipFile(source) as archive:
            damaged = archive.testzip()
    except Exception as error:  # zipfile and zlib each raise their own
        raise RoadsegError(
            f"{source}: not a checkpoint of tensors ({_reason(error)}); copy the file again"
        ) from None
    if damaged:
        raise RoadsegError(
            f"{source}: not a checkpoint of tensors (damaged: the checksum of '{damaged}' "
            "differs); copy the file again"
        )


def _arrays(state: Mapping[str, Any], source: Path) -> dict[str, np.ndarray]:
    return {name: _array(name, value, str(source)) for name, value in state.items()}


def _is_tensor(value: Any) -> bool:
    # Not by its class: PyTorch may not be installed.
    return isinstance(value, np.ndarray) or hasattr(value, "is_floating_point")


def _array(name: str, value: Any, source: str) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    kind = type(value).__name__
    if not hasattr(value, "is_floating_point"):
        raise RoadsegError(
            f"{source}: '{name}' is of type {kind}, not a tensor; save the network's "
            "state_dict() alone"
        )
    value = value.detach()
    # NumPy has no bfloat16.
    return (value.float() if value.is_floating_point() else value).numpy()


def _refusal(error: Exception) -> str:
    """Return why the weights-only loader did not open a file; its own advice is to give it up."""
    found = re.search(r"GLOBAL (\S+)", str(error))
    if found:
        return (
            f"a pickle of more than tensors ({found[1]}), which could run code when opened: "
            f"refused; {ADVICE}"
        )
    return f"damaged, or a pickle of something else than tensors: refused; {ADVICE}"


def _reason(error: Exception) -> str:
    """Return the first sentence of an error of PyTorch's."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    if "TorchScript" in text:
        return "a TorchScript archive; save its state_dict()"
    return text.split(". ")[0].rstrip(".")[:200]
