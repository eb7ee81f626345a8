"""A graph of any format as a list of operations: which of them belong to the network itself."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """One operation: its name, its kind as the format calls it, and the tensors it takes and gives.

    inputs: without constants. kernel: name of the constant that it convolves with, "" for none;
    layers that a network calls several times share theirs.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    kernel: str = ""


def network_operations(
    operations: Sequence[Operation],
    outputs: Mapping[str, str],
    convolutions: Collection[str],
    from_first: bool = False,
    lookups: Collection[str] = (),
) -> list[Operation]:
    """Return the operations whose precision may be reduced, in the order of the graph.

    outputs: name of an output -> its tensor. convolutions: kinds of operations with weights.
    lookups: kinds of operations whose last input says where the first one is looked up.
    Of a model that samples these are the convolutions between samples and `sample_logits`, and
    what lies between two of them: a location in 8 bits would be another pixel. Of any other, all,
    or, with `from_first`, the convolutions and what depends on them; but not what makes places to
    look up out of the convolutions before it, for the same reason.
    """
    if "sample_logits" not in outputs:
        found = _from_first(operations, convolutions) if from_first else list(operations)
        places = _of_places(operations, convolutions, lookups)
        return [operation for operation in found if operation.name not in places]
    sampled = [outputs[name] for name in ("locations", "window_locations") if name in outputs]
    sampler = _before(operations, sampled)
    network = _before(operations, [outputs["sample_logits"]])
    between = [op for op in operations if op.name in network and op.name not in sampler]
    return up_to_last(_from_first(between, convolutions), convolutions)


def _of_places(
    operations: Sequence[Operation], convolutions: Collection[str], lookups: Collection[str]
) -> set[str]:
    """Return the names of what makes places, from the convolutions that give flows onwards."""
    places = [op.inputs[-1] for op in operations if op.kind in lookups and len(op.inputs) > 1]
    others = [operation for operation in operations if operation.kind not in convolutions]
    return _before(others, places)


def _from_first(operations: Sequence[Operation], convolutions: Collection[str]) -> list[Operation]:
    """Return the convolutions, and what depends on one of them."""
    found: list[Operation] = []
    computed: set[str] = set()
    for operation in operations:
        if operation.kind in convolutions or not computed.isdisjoint(operation.inputs):
            computed.update(operation.outputs)
            found.append(operation)
    return found


def up_to_last(operations: Sequence[Operation], convolutions: Collection[str]) -> list[Operation]:
    """Return the convolutions among `operations`, and those whose values reach one of them."""
    layers = [operation for operation in operations if operation.kind in convolutions]
    reached = _before(operations, [tensor for layer in layers for tensor in layer.inputs])
    names = reached | {layer.name for layer in layers}
    return [operation for operation in operations if operation.name in names]


def _before(operations: Sequence[Operation], tensors: Iterable[str]) -> set[str]:
    """Return the names of the operations that `tensors` depend on."""
    maker = {tensor: operation for operation in operations for tensor in operation.outputs}
    found: set[str] = set()
    waiting = list(tensors)
    while waiting:
        operation = maker.get(waiting.pop())
        if operation is not None and operation.name not in found:
            found.add(operation.name)
            waiting.extend(operation.inputs)
    return found


def kernels_of(operations: Iterable[Operation]) -> dict[str, str]:
    """Return the kernels of the operations that have one, by the operations' names."""
    return {operation.name: operation.kernel for operation in operations if operation.kernel}


def groups_of(
    names: Sequence[str], most: int, kernels: Mapping[str, str] | None = None
) -> list[tuple[str, ...]]:
    """Return `names` in order, cut into at most `most` runs of nearly one length.

    kernels: by name; what shares a kernel is never cut apart, or a file would hold it twice.
    """
    units: dict[str, list[str]] = {}
    for name in names:
        units.setdefault((kernels or {}).get(name) or f"{name} alone", []).append(name)
    count = min(most, len(units))
    edges = [len(units) * number // count for number in range(count + 1)] if count else []
    runs = [list(units.values())[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    return [tuple(name for unit in run for name in unit) for run in runs]
