"""What training scripts put around weights: prefixes that all names share, keys of a checkpoint."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from roadseg.errors import RoadsegError
from roadseg.models.original import Original, backbone_scope
from roadseg.npz import Renamed

PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")
"""Of DataParallel, of torch.compile, and of the attribute that holds the network in a wrapper."""
WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net")
"""Keys under which the weights lie where a checkpoint holds several dictionaries of tensors."""
COUNTER = "num_batches_tracked"
_LOSS = re.compile(r"^(module\.)?(model\.)?\w*(loss|criterion)\w*\.")
_PADDLE = (("._mean", ".running_mean"), ("._variance", ".running_var"), ("._weight", ".weight"))
_OTHERS = ("optim", "scheduler", "scaler", "loops", "callbacks", "hyper_parameters")


def plain_names(
    arrays: Mapping[str, Any], wanted: Collection[str], original: Original
) -> Mapping[str, Any]:
    """Return `arrays` by the names of the network itself, without counters of batches.

    Prefixes that every name shares come off, nested in any order, as far as that makes the most
    names those `wanted`, or a backbone's.
    """
    plain = {_torch_leaf(name): name for name in arrays if not _is_beside(name)}
    prefixes = list(_shared_prefixes(plain))
    wanted = set(wanted)

    def fitting(prefix: str) -> int:
        names = {original.renamed(name.removeprefix(prefix)) for name in plain}
        scope = backbone_scope(names, wanted)
        return sum(scope + name in wanted for name in names)

    best = max(prefixes, key=fitting) if len(prefixes) > 1 else ""
    return Renamed(arrays, {name.removeprefix(best): own for name, own in plain.items()})


def without_wrapping(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return `arrays` without counters of batches and what belongs to a loss (class weights).

    Without the `module.` of DataParallel and the `model.` of a wrapper that all names share, and
    with Paddle's leaves by PyTorch's names.
    """
    plain = {_torch_leaf(name): array for name, array in arrays.items() if not _is_beside(name)}
    for prefix in ("module.", "model.") * 2:  # either may be inside the other
        if plain and all(name.startswith(prefix) for name in plain):
            plain = {name.removeprefix(prefix): array for name, array in plain.items()}
    return plain


def _is_beside(name: str) -> bool:
    """Return whether a name is a counter's or a loss's, which no network here has."""
    return name.endswith(COUNTER) or bool(_LOSS.search(name))


def _torch_leaf(name: str) -> str:
    """Return what PyTorch calls the last part of a name of Paddle's."""
    return next((name.removesuffix(end) + own for end, own in _PADDLE if name.endswith(end)), name)


def _shared_prefixes(names: Collection[str]) -> Iterator[str]:
    """Yield '', and each longer prefix that all names share, made of those that wrappers add."""
    prefix = ""
    while True:
        yield prefix
        found = [p for p in PREFIXES if names and all(n.startswith(prefix + p) for n in names)]
        if not found:
            return
        prefix += found[0]


def find_tensors(content: Any, is_tensor: Callable[[Any], bool], source: str) -> Mapping[str, Any]:
    """Return the one dictionary of tensors by name in what a training script saved.

    Where there are several beside each other, that of a usual key counts. Raises RoadsegError
    where there is none, or where it cannot be told which one is meant.
    """
    if not isinstance(content, Mapping):
        raise RoadsegError(
            f"{source}: holds one {type(content).__name__}, not weights by name; save the "
            "network's state_dict()"
        )
    found = dict(_dictionaries(content, is_tensor))
    usual = [key for key in WRAPPERS if key in found]
    own = [name for name, value in content.items() if is_tensor(value)]
    if usual:
        return find_tensors(content[usual[0]], is_tensor, source)
    if len(own) > 1 or not found:
        return content
    if len(found) > 1:
        raise RoadsegError(
            f"{source}: holds several dictionaries of tensors ({', '.join(found)}); save the one "
            "that is meant"
        )
    return find_tensors(content[next(iter(found))], is_tensor, source)


def _dictionaries(
    content: Mapping[Any, Any], is_tensor: Callable[[Any], bool]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (key, value) of the dictionaries in `content` that hold tensors by name, at any depth.

    What an optimiser keeps is none of them: its tensors have numbers.
    """
    for key, value in content.items():
        named = isinstance(key, str) and not any(word in key.lower() for word in _OTHERS)
        if named and isinstance(value, Mapping) and _holds(value, is_tensor):
            yield key, value


def _holds(content: Mapping[Any, Any], is_tensor: Callable[[Any], bool]) -> bool:
    own = any(isinstance(key, str) and is_tensor(value) for key, value in content.items())
    return own or any(True for _ in _dictionaries(content, is_tensor))
