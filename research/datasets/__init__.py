"""Label tables of the data sets, by name; nothing here reads a disk by itself."""

from collections.abc import Callable

from roadseg.datasets.bdd100k import bdd100k
from roadseg.datasets.camvid import camvid, camvid32
from roadseg.datasets.cityscapes import cityscapes, cityscapes_categories
from roadseg.datasets.dual_camera import dual_camera
from roadseg.datasets.idd import idd
from roadseg.datasets.label_table import LabelId, LabelTable
from roadseg.datasets.mapillary import mapillary
from roadseg.datasets.uds import uds
from roadseg.datasets.vistas import mapillary65
from roadseg.errors import RoadsegError

__all__ = ["LabelId", "LabelTable", "get", "list_tables"]

# Street scenes and KITTI are labelled with Cityscapes' ids.
_TABLES: dict[str, Callable[[], LabelTable]] = {
    "cityscapes": cityscapes,
    "cityscapes_categories": cityscapes_categories,
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
