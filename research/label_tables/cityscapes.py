"""Cityscapes: 19 classes that are trained and evaluated, out of 35 that are labelled.

Source: Cordts et al., CVPR 2016, and `cityscapesscripts/helpers/labels.py` (MIT), whose ids, names,
categories and colours these are. The license plate is id -1 there; an 8-bit file shows it as 255.
"""

from dataclasses import replace

from roadseg.label_tables.label_table import LabelId, LabelTable

IGNORE = 255

_LABELS = (
    LabelId(0, "unlabeled", IGNORE, (0, 0, 0), "void"),
    LabelId(1, "ego vehicle", IGNORE, (0, 0, 0), "void"),
    LabelId(2, "rectification border", IGNORE, (0, 0, 0), "void"),
    LabelId(3, "out of roi", IGNORE, (0, 0, 0), "void"),
    LabelId(4, "static", IGNORE, (0, 0, 0), "void"),
    LabelId(5, "dynamic", IGNORE, (111, 74, 0), "void"),
    LabelId(6, "ground", IGNORE, (81, 0, 81), "void"),
    LabelId(7, "road", 0, (128, 64, 128), "flat"),
    LabelId(8, "sidewalk", 1, (244, 35, 232), "flat"),
    LabelId(9, "parking", IGNORE, (250, 170, 160), "flat"),
    LabelId(10, "rail track", IGNORE, (230, 150, 140), "flat"),
    LabelId(11, "building", 2, (70, 70, 70), "construction"),
    LabelId(12, "wall", 3, (102, 102, 156), "construction"),
    LabelId(13, "fence", 4, (190, 153, 153), "construction"),
    LabelId(14, "guard rail", IGNORE, (180, 165, 180), "construction"),
    LabelId(15, "bridge", IGNORE, (150, 100, 100), "construction"),
    LabelId(16, "tunnel", IGNORE, (150, 120, 90), "construction"),
    LabelId(17, "pole", 5, (153, 153, 153), "object"),
    LabelId(18, "polegroup", IGNORE, (153, 153, 153), "object"),
    LabelId(19, "traffic light", 6, (250, 170, 30), "object"),
    LabelId(20, "traffic sign", 7, (220, 220, 0), "object"),
    LabelId(21, "vegetation", 8, (107, 142, 35), "nature"),
    LabelId(22, "terrain", 9, (152, 251, 152), "nature"),
    LabelId(23, "sky", 10, (70, 130, 180), "sky"),
    LabelId(24, "person", 11, (220, 20, 60), "human"),
    LabelId(25, "rider", 12, (255, 0, 0), "human"),
    LabelId(26, "car", 13, (0, 0, 142), "vehicle"),
    LabelId(27, "truck", 14, (0, 0, 70), "vehicle"),
    LabelId(28, "bus", 15, (0, 60, 100), "vehicle"),
    LabelId(29, "caravan", IGNORE, (0, 0, 90), "vehicle"),
    LabelId(30, "trailer", IGNORE, (0, 0, 110), "vehicle"),
    LabelId(31, "train", 16, (0, 80, 100), "vehicle"),
    LabelId(32, "motorcycle", 17, (0, 0, 230), "vehicle"),
    LabelId(33, "bicycle", 18, (119, 11, 32), "vehicle"),
    LabelId(-1, "license plate", IGNORE, (0, 0, 142), "vehicle"),
)
_TRAINED = sorted(
    (label for label in _LABELS if label.train_id != IGNORE), key=lambda x: x.train_id
)


def cityscapes(name: str = "cityscapes") -> LabelTable:
    """Return the table; target classes are 11..18, the scripts of the published NUS system."""
    return LabelTable(
        name=name,
        names=tuple(label.name for label in _TRAINED),
        colours=tuple(label.colour for label in _TRAINED),
        ignore=IGNORE,
        categories=tuple(label.category for label in _TRAINED),
        target_classes=tuple(range(11, 19)),
        small_classes=(5, 6, 7, 11, 12, 17, 18),
        label_ids=_LABELS,
    )


def cityscapes_categories(name: str = "cityscapes_categories") -> LabelTable:
    """Return Cityscapes' seven categories as classes; ids without a class stay ignored.

    A category has the colour of its first class. Target classes are human and vehicle, as above;
    object (poles, lights, signs) and human are the small ones.
    """
    # Backwards, so that of a category's classes the first stays.
    first = {label.category: label for label in reversed(_TRAINED)}
    names = tuple(dict.fromkeys(label.category for label in _TRAINED))
    index = {category: names.index(category) for category in names}
    ids = (
        label if label.train_id == IGNORE else replace(label, train_id=index[label.category])
        for label in _LABELS
    )
    return LabelTable(
        name=name,
        names=names,
        colours=tuple(first[category].colour for category in names),
        ignore=IGNORE,
        categories=names,
        target_classes=(index["human"], index["vehicle"]),
        small_classes=(index["object"], index["human"]),
        label_ids=tuple(ids),
    )
