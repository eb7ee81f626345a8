"""The processors of this machine."""

import os


def usable_cpus() -> int:
    """Return the number of CPUs this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        # Containers and batch systems may allow fewer CPUs than there are.
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
