"""Names of weights in groups, for people who have to see what did not fit."""

import re
from collections.abc import Iterable, Sequence

SHOWN = 4
"""Groups in a message of one line; names in one line of a listing."""


def group(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the names by the module they belong to, at most two parts of its name, in order.

    names: parts joined by '.' (PyTorch) or '/' (TensorFlow); the last one is the variable.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        parts = re.split(r"([./])", name)
        module = parts[:-2] or parts
        groups.setdefault("".join(module[:3]), []).append(name)
    return groups


def shortened(names: Sequence[str]) -> str:
    """Return one line that names the first weight of each module and counts the others."""
    groups = group(names)
    parts = []
    for module, members in list(groups.items())[:SHOWN]:
        more = f" and {len(members) - 1} more of {module}" if len(members) > 1 else ""
        parts.append(members[0] + more)
    rest = len(names) - sum(len(members) for members in list(groups.values())[:SHOWN])
    if rest:
        parts.append(f"{rest} more in {len(groups) - SHOWN} other modules")
    return ", ".join(parts)


def listing(title: str, names: Sequence[str]) -> list[str]:
    """Return lines that account for every weight: one a module, its count and its first names."""
    if not names:
        return []
    lines = [f"{title} ({len(names)}):"]
    for module, members in group(names).items():
        ends = [name.removeprefix(module).lstrip("./") or name for name in members]
        more = f" and {len(ends) - SHOWN} more" if len(ends) > SHOWN + 1 else ""
        shown = ends[:SHOWN] if more else ends
        lines.append(f"  {module} ({len(members)}): {', '.join(shown)}{more}")
    return lines


def compressed(names: Iterable[str], others: Iterable[str] = ()) -> str:
    """Return the modules of `names`, the first few by name: 'aspp0, decoder and 3 more (20)'.

    A module that has none of `others` is named as a whole, by the first part of its name.
    """
    names = list(names)
    divided = {_first(name) for name in others}
    modules = {
        label: None
        for module, members in group(names).items()
        for label in [module if _first(members[0]) in divided else _first(members[0])]
    }
    more = f" and {len(modules) - SHOWN} more" if len(modules) > SHOWN else ""
    return f"{', '.join([*modules][:SHOWN])}{more} ({len(names)})"


def _first(name: str) -> str:
    return re.split(r"[./]", name)[0]


def layers_of(paths: Iterable[str]) -> str:
    """Return the layers of variables, each once, the first few by name: 'classifier and 3 more'."""
    layers = [*dict.fromkeys(path.rpartition("/")[0] for path in paths)]
    more = f" and {len(layers) - SHOWN} more" if len(layers) > SHOWN else ""
    return f"{', '.join(layers[:SHOWN])}{more}"
