"""A page of the reference for `roadseg` itself and for each public folder of the package."""

import importlib
import pkgutil
from types import ModuleType

INNER = {"eval", "train", "export", "data_conversion"}
"""Folders of commands: `docs/cli.md` is their reference."""


def pages(name: str) -> dict[str, str]:
    """Return the text of each page, by its file below `name`."""
    import roadseg

    folders = [
        found.name
        for found in pkgutil.iter_modules(roadseg.__path__)
        if found.ispkg and found.name not in INNER and not found.name.startswith("_")
    ]
    found = {f"{name}/roadseg.md": _front(roadseg)}
    for folder in sorted(folders):
        found[f"{name}/{folder}.md"] = _folder(f"roadseg.{folder}")
    return found


def _front(package: ModuleType) -> str:
    """Return the page of the names that `import roadseg` offers."""
    parts = [f"# roadseg\n\n{_first(package)}\n\n"]
    for name in sorted(package.__all__):
        value = getattr(package, name)
        if isinstance(value, ModuleType):
            parts.append(f"- the module [`roadseg.{name}`]({name}.md): {_first(value)}\n")
    parts.append("\n```{eval-rst}\n")
    for name in sorted(package.__all__):
        value = getattr(package, name)
        if not isinstance(value, ModuleType) and not name.startswith("__"):
            kind = "autoclass" if isinstance(value, type) else "autofunction"
            # The index has each name once, at its module: cross-references need one target.
            parts.append(f".. {kind}:: roadseg.{name}\n   :no-index:\n\n")
    return "".join(parts) + "```\n"


def _folder(package: str) -> str:
    """Return the page of one folder: each of its modules with what is public in it."""
    module = importlib.import_module(package)
    parts = [f"# {package}\n\n{_first(module)}\n"]
    for found in pkgutil.iter_modules(module.__path__):
        inner = f"{package}.{found.name}"
        if found.ispkg or found.name.startswith("_") or not _is_source(inner):
            continue
        parts.append(f"\n## {inner}\n\n```{{eval-rst}}\n.. automodule:: {inner}\n```\n")
    return "".join(parts)


def _is_source(name: str) -> bool:
    """Return whether a module is Python and can be imported without an extra."""
    try:
        file = importlib.import_module(name).__file__ or ""
    except ImportError:
        return False
    return file.endswith(".py")


def _first(module: ModuleType) -> str:
    return (module.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
