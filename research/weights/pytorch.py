"""Reads PyTorch's and Paddle's checkpoints: tensors alone, by loaders that run no code in them."""

import pickle
import re
import tarfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.weights.pickled import read_paddle_content, read_torch_content

SUFFIXES = (".pth", ".pt", ".pth.tar")
WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net")
"""Keys under which training scripts keep the weights beside epoch and optimiser."""
COUNTER = "num_batches_tracked"
PREFIXES = ("module.", "model.")
LOSS = re.compile(r"^(module\.)?(model\.)?\w*loss\.")
PADDLE_MEAN = "._mean"
PADDLE_LEAVES = {
    PADDLE_MEAN: ".running_mean",
    "._variance": ".running_var",
    "._weight": ".weight",
}
PADDLE = re.compile(r"\._(mean|variance|weight)$")
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

    Unwrapped from what training scripts put around it, without the `module.` of DataParallel and
    the counters of batch normalisation, which Keras has not.
    PyTorch itself is not needed. Raises RoadsegError for a file that is absent or damaged, and for
    a pickle of anything else than tensors, which is not opened.
    """
    if not source.is_file():
        raise RoadsegError(f"{source}: no such file; check the path")
    state = _state(_content(source), str(source))
    return plain_names({name: _array(name, value, str(source)) for name, value in state.items()})


def read_paddle(source: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a Paddle checkpoint (`.params`, `.pdparams`) by PyTorch's names.

    Raises RoadsegError for a file that is absent or damaged, or holds anything else than arrays.
    """
    state = _state(read_paddle_content(source), str(source))
    return plain_names({name: _array(name, value, str(source)) for name, value in state.items()})


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
        raise RoadsegError(f"{source}: not a checkpoint of tensors ({_reason(error)})") from None


def plain_names(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return `arrays` by the names of the network itself in PyTorch.

    Without counters of batches and what belongs to a loss (class weights), without what wraps the
    network (DataParallel's `module.`, PIDNet's `model.`), and with Paddle's leaves renamed.
    """
    plain = {
        name: array
        for name, array in arrays.items()
        if not name.endswith(COUNTER) and not LOSS.search(name)
    }
    for prefix in PREFIXES * 2:  # either may be inside the other
        if plain and all(name.startswith(prefix) for name in plain):
            plain = {name.removeprefix(prefix): array for name, array in plain.items()}
    if any(name.endswith(PADDLE_MEAN) for name in plain):
        plain = {PADDLE.sub(_torch_leaf, name): array for name, array in plain.items()}
    return plain


def _torch_leaf(found: re.Match[str]) -> str:
    return PADDLE_LEAVES[found[0]]


def _state(content: Any, source: str) -> Mapping[str, Any]:
    """Return the dictionary of tensors in what a training script saved."""
    while isinstance(content, Mapping):
        inner = next((content[key] for key in WRAPPERS if _is_dictionary(content, key)), None)
        if inner is None:
            return content
        content = inner
    raise RoadsegError(
        f"{source}: holds one {type(content).__name__}, not weights by name; save the network's "
        "state_dict()"
    )


def _is_dictionary(content: Mapping[str, Any], key: str) -> bool:
    return isinstance(content.get(key), Mapping)


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
