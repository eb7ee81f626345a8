"""Reads PyTorch's checkpoints, `.pth`: tensors alone, by a loader that runs no code of the file."""

import pickle
import re
import tarfile
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.weights.wrapping import find_tensors, without_parallel

if TYPE_CHECKING:
    import torch

SUFFIXES = (".pth", ".pt", ".pth.tar")
ADVICE = "where you trust it, open it with PyTorch and save the network's state_dict()"


def is_pytorch(source: Path) -> bool:
    """Return whether the name of `source` is a PyTorch checkpoint's.

    A file that is called `.tar` and is no such archive is one too: STDC's trunks.
    """
    if source.name.endswith(SUFFIXES):
        return True
    return source.suffix == ".tar" and source.is_file() and not tarfile.is_tarfile(source)


def read_pytorch(source: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a state dictionary by their PyTorch names, kernels as PyTorch has them.

    Unwrapped from the keys that training scripts put around it, without the `module.` of
    DataParallel and the counters of batch normalisation, which Keras has not.
    Raises RoadsegError where PyTorch is not installed, for a file that is absent or damaged
    (PyTorch itself does not look at the checksums of its zip files), and for a pickle of anything
    else than tensors, which is not opened.
    """
    if not source.is_file():
        raise RoadsegError(f"{source}: no such file; check the path")
    _check_zip(source)
    try:
        import torch
    except ImportError:
        raise RoadsegError(
            f"{source}: PyTorch opens this file, and is not installed: pip install "
            "'roadseg[torch]', or save the arrays as an .npz where it is (numpy.savez, same names)"
        ) from None
    try:
        with warnings.catch_warnings(action="ignore"):
            content = torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise RoadsegError(f"{source}: {_refusal(error)}") from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError) as error:
        raise RoadsegError(f"{source}: not a checkpoint of tensors ({_reason(error)})") from None
    state = find_tensors(content, lambda value: isinstance(value, torch.Tensor), str(source))
    return without_parallel(
        {name: _array(name, value, str(source)) for name, value in state.items()}
    )


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


def _array(name: str, value: "torch.Tensor | Any", source: str) -> np.ndarray:
    import torch

    if not isinstance(value, torch.Tensor):
        raise RoadsegError(
            f"{source}: '{name}' is of type {type(value).__name__}, not a tensor; save the "
            "network's state_dict() alone"
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
