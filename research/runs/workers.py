"""The workers of a group, as a strategy of TensorFlow knows them: who they are, and who writes."""

import signal
import threading
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


def take_sigterm_back() -> None:
    """Let Python hear SIGTERM again, which TensorFlow takes as it joins a group of workers.

    It would wait for somebody to ask for notices of preemption, and the process would go on.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
