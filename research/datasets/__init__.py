"""Label tables of the data sets, by name; nothing here reads a disk by itself."""

from collections.abc import Callable

from roadseg.datasets.camvid import camvid, camvid32
from roadseg.datasets.cityscapes import cityscapes
from roadseg.datasets.label_table import LabelId, LabelTable
from roadseg.datasets.mapillary import mapillary
from roadseg.errors import RoadsegError

__all__ = ["LabelId", "LabelTable", "get", "list_tables"]

# Street scenes are labelled with Cityscapes' ids, so that either can stand in for the other.
_TABLES: dict[str, Callable[[], LabelTable]] = {
    "cityscapes": cityscapes,
    "camvid": camvid,
    "camvid32": camvid32,
    "mapillary": mapillary,
    "street_scenes": lambda: cityscapes("street_scenes"),
}


def list_tables() -> list[str]:
    """Return the names that `get` knows."""
    return list(_TABLES)


def get(name: str) -> LabelTable:
    """Return the label table called `name`; raise RoadsegError naming those there are."""
    if name not in _TABLES:
        raise RoadsegError(f"no label table '{name}'; there are: {', '.join(_TABLES)}")
    return _TABLES[name]()
