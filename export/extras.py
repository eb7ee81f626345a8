"""The packages that each format needs, and the line that installs them."""

import importlib.util

from roadseg.errors import RoadsegError
from roadseg.export.formats import FORMATS


def missing(extra: str) -> list[str]:
    """Return the packages of an extra, FORMAT or FORMAT-int8, that are not installed."""
    kind = FORMATS[extra.removesuffix("-int8")]
    packages = kind.int8_packages if extra.endswith("-int8") else kind.packages
    return [module for module in packages if importlib.util.find_spec(module) is None]


def need(extra: str) -> None:
    """Raise RoadsegError, naming the extra to install, unless it is installed."""
    absent = missing(extra)
    if absent:
        raise RoadsegError(
            f"--format {extra.removesuffix('-int8')}: {', '.join(absent)} not installed; "
            f"pip install 'roadseg[{extra}]'"
        )
