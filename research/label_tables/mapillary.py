"""Mapillary Vistas as Cityscapes' 19 classes, for training on one and tuning on the other.

Two kinds of label files lead there: Cityscapes' own ids (the folder seg19_lbl that Fast_Seg reads),
and the 66 classes of Vistas v1.2. How the 66 become 19 is a proposal by name, ours: Fast_Seg, which
trained on Vistas, publishes no conversion.
Source of the 66 names, in the order of their ids: config.json of Vistas v1.2 (Neuhold et al., ICCV
2017).
"""

import dataclasses
from collections.abc import Iterable

from roadseg.label_tables.cityscapes import IGNORE, cityscapes
from roadseg.label_tables.label_table import Colour, LabelId, LabelTable

# Class of Cityscapes -> the classes of Vistas v1.2 that become it; every other one is ignored.
PROPOSAL: dict[str, tuple[str, ...]] = {
    "road": (
        "construction--flat--road",
        "construction--flat--service-lane",
        "construction--flat--bike-lane",
        "construction--flat--crosswalk-plain",
        "marking--crosswalk-zebra",
        "marking--general",
    ),
    "sidewalk": (
        "construction--flat--sidewalk",
        "construction--flat--pedestrian-area",
        "construction--flat--curb-cut",
    ),
    "building": ("construction--structure--building",),
    "wall": ("construction--barrier--wall",),
    "fence": ("construction--barrier--fence",),
    "pole": ("object--support--pole", "object--support--utility-pole"),
    "traffic light": ("object--traffic-light",),
    "traffic sign": ("object--traffic-sign--front",),
    "vegetation": ("nature--vegetation",),
    "terrain": ("nature--terrain",),
    "sky": ("nature--sky",),
    "person": ("human--person",),
    "rider": (
        "human--rider--bicyclist",
        "human--rider--motorcyclist",
        "human--rider--other-rider",
    ),
    "car": ("object--vehicle--car",),
    "truck": ("object--vehicle--truck",),
    "bus": ("object--vehicle--bus",),
    "train": ("object--vehicle--on-rails",),
    "motorcycle": ("object--vehicle--motorcycle",),
    "bicycle": ("object--vehicle--bicycle",),
}


def mapillary() -> LabelTable:
    """Return the table of seg19_lbl: 19 classes, label files hold Cityscapes' ids."""
    return cityscapes("mapillary")


def vistas(classes: Iterable[tuple[str, Colour]]) -> LabelTable:
    """Return the table of Vistas' own label files, from the names and colours of config.json.

    classes: (name, colour) of every id, from 0 on; their number and order are the release's.
    Raises ValueError naming the classes of v1.2 that are missing (v2.0 names them otherwise).
    """
    listed = list(classes)
    names = mapillary().names
    wanted = {vistas_name: names.index(ours) for ours in names for vistas_name in PROPOSAL[ours]}
    missing = [name for name in wanted if name not in dict(listed)]
    if missing:
        raise ValueError(f"no class {', '.join(missing)}")
    ids = tuple(
        LabelId(number, name, wanted.get(name, IGNORE), colour)
        for number, (name, colour) in enumerate(listed)
    )
    return dataclasses.replace(mapillary(), label_ids=ids)
