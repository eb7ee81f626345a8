"""Label tables of the data sets, by name; nothing here reads a disk by itself."""

from collections.abc import Callable

from roadseg.errors import RoadsegError
from roadseg.label_tables.bdd100k import bdd100k
from roadseg.label_tables.camvid import camvid, camvid32
from roadseg.label_tables.cityscapes import cityscapes, cityscapes_categories
from roadseg.label_tables.dual_camera import dual_camera
from roadseg.label_tables.idd import idd
from roadseg.label_tables.label_table import LabelId, LabelTable
from roadseg.label_tables.mapillary import mapillary
from roadseg.label_tables.uds import uds
from roadseg.label_tables.vistas import mapillary65

__all__ = ["LabelId", "LabelTable", "get", "list_tables"]

# Street scenes and KITTI are labelled with Cityscapes' ids.
_TABLES: dict[str, Callable[[], LabelTable]] = {
    "cityscapes": cityscapes,
    "camvid": camvid,
    "camvid32": camvid32,
    "mapillary": mapillary,
    "mapillary65": mapillary65,
    "bdd100k": bdd100k,
    "idd": idd,
    "kitti": lambda: cityscapes("kitti"),
    "uds": uds,
    "dual_camera": dual_camera,
    "street_scenes": lambda: cityscapes("street_scenes"),
    "cityscapes_categories": cityscapes_categories,
    "street_scenes_categories": lambda: cityscapes_categories("street_scenes_categories"),
}


def list_tables() -> list[str]:
    """Return the names that `get` knows."""
    return list(_TABLES)


def get(name: str) -> LabelTable:
    """Return the label table called `name`; raise RoadsegError naming those there are."""
    if name not in _TABLES:
        raise RoadsegError(f"no label table '{name}'; there are: {', '.join(_TABLES)}")
    return _TABLES[name]()
