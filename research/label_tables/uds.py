"""UDS, the merged set of SFNet-Lite: four data sets in one label space, Cityscapes' 19 classes.

Source: Li et al., IJCV 2023 (SFNet-Lite); what each label id of a member becomes, and the order of
the members: lxtGH/SFSegNets ba475ba.
"""

import dataclasses

from roadseg.errors import RoadsegError
from roadseg.label_tables.bdd100k import bdd100k
from roadseg.label_tables.cityscapes import IGNORE, cityscapes
from roadseg.label_tables.idd import idd
from roadseg.label_tables.label_table import LabelId, LabelTable
from roadseg.label_tables.vistas import CLASSES

# Class -> ids of Vistas v1.1 that become it; the other 41 of the 66 are ignored. Unlike the
# proposal in `mapillary.py`, kerbs are sidewalk, manholes are road, and crossings, bicycle lanes
# and service lanes are nothing.
VISTAS_IDS: dict[str, tuple[int, ...]] = {
    "road": (13, 24, 41),
    "sidewalk": (2, 15),
    "building": (17,),
    "wall": (6,),
    "fence": (3,),
    "pole": (45, 47),
    "traffic light": (48,),
    "traffic sign": (50,),
    "vegetation": (30,),
    "terrain": (29,),
    "sky": (27,),
    "person": (19,),
    "rider": (20, 21, 22),
    "car": (55,),
    "truck": (61,),
    "bus": (54,),
    "train": (58,),
    "motorcycle": (57,),
    "bicycle": (52,),
}
MEMBERS = ("bdd100k", "mapillary", "idd", "cityscapes")


def uds() -> LabelTable:
    """Return the table of the merged set; its label files are those of its members."""
    return dataclasses.replace(cityscapes("uds"), label_ids=())


def uds_member(member: str) -> LabelTable:
    """Return the table that maps a member's own label ids to the merged classes.

    Raises RoadsegError for a set that is no member, naming those that are.
    """
    tables = {"bdd100k": bdd100k, "idd": idd, "cityscapes": cityscapes, "mapillary": _vistas}
    if member not in tables:
        raise RoadsegError(f"UDS has no member '{member}'; there are: {', '.join(MEMBERS)}")
    return dataclasses.replace(tables[member](), name=f"uds, from {member}")


def _vistas() -> LabelTable:
    train_ids = {
        label_id: train_id
        for train_id, name in enumerate(uds().names)
        for label_id in VISTAS_IDS[name]
    }
    ids = tuple(
        LabelId(i, name, train_ids.get(i, IGNORE), colour)
        for i, (name, colour) in enumerate(CLASSES)
    )
    return dataclasses.replace(uds(), label_ids=ids)
