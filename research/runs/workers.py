"""The workers of a group, as a strategy of TensorFlow knows them: who they are, and who writes."""

from typing import Any

Strategy = Any
"""A tf.distribute.Strategy."""


def workers(strategy: Strategy) -> list[str]:
    """Return the addresses of the workers in the order of their numbers; none of one process."""
    resolver = strategy.cluster_resolver
    jobs: dict[str, Any] = resolver.cluster_spec().as_dict() if resolver else {}
    return [*jobs.get("chief", ()), *jobs.get("worker", ())]


def is_chief(strategy: Strategy) -> bool:
    """Return whether this process writes what all have made (one does)."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec().as_dict():
        return True
    if resolver.task_type == "chief":
        return True
    return resolver.task_id in (None, 0) and "chief" not in resolver.cluster_spec().as_dict()


def own_number(strategy: Strategy) -> int:
    """Return the number of this process among the workers."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type != "worker":
        return 0
    return len(resolver.cluster_spec().as_dict().get("chief", ())) + int(resolver.task_id)
