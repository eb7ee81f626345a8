"""IDD, the Indian Driving Dataset: its 40 label ids as Cityscapes' 19 classes.

Sources: names, ids and colours: `helpers/anue_labels.py` of AutoNUE/public-code; which id becomes
which class: lxtGH/SFSegNets ba475ba (IDD has no terrain; its non-drivable fallback stands for it).
"""

import dataclasses

from roadseg.label_tables.cityscapes import IGNORE, cityscapes
from roadseg.label_tables.label_table import LabelId, LabelTable

_LABELS = (
    LabelId(0, "road", 0, (128, 64, 128), "drivable"),
    LabelId(1, "parking", IGNORE, (250, 170, 160), "drivable"),
    LabelId(2, "drivable fallback", IGNORE, (81, 0, 81), "drivable"),
    LabelId(3, "sidewalk", 1, (244, 35, 232), "non-drivable"),
    LabelId(4, "rail track", IGNORE, (230, 150, 140), "non-drivable"),
    LabelId(5, "non-drivable fallback", 9, (152, 251, 152), "non-drivable"),
    LabelId(6, "person", 11, (220, 20, 60), "living-thing"),
    LabelId(7, "animal", IGNORE, (246, 198, 145), "living-thing"),
    LabelId(8, "rider", 12, (255, 0, 0), "living-thing"),
    LabelId(9, "motorcycle", 17, (0, 0, 230), "2-wheeler"),
    LabelId(10, "bicycle", 18, (119, 11, 32), "2-wheeler"),
    LabelId(11, "autorickshaw", IGNORE, (255, 204, 54), "autorickshaw"),
    LabelId(12, "car", 13, (0, 0, 142), "car"),
    LabelId(13, "truck", 14, (0, 0, 70), "large-vehicle"),
    LabelId(14, "bus", 15, (0, 60, 100), "large-vehicle"),
    LabelId(15, "caravan", IGNORE, (0, 0, 90), "large-vehicle"),
    LabelId(16, "trailer", IGNORE, (0, 0, 110), "large-vehicle"),
    LabelId(17, "train", 16, (0, 80, 100), "large-vehicle"),
    LabelId(18, "vehicle fallback", IGNORE, (136, 143, 153), "large-vehicle"),
    LabelId(19, "curb", IGNORE, (220, 190, 40), "barrier"),
    LabelId(20, "wall", 3, (102, 102, 156), "barrier"),
    LabelId(21, "fence", 4, (190, 153, 153), "barrier"),
    LabelId(22, "guard rail", IGNORE, (180, 165, 180), "barrier"),
    LabelId(23, "billboard", IGNORE, (174, 64, 67), "structures"),
    LabelId(24, "traffic sign", 7, (220, 220, 0), "structures"),
    LabelId(25, "traffic light", 6, (250, 170, 30), "structures"),
    LabelId(26, "pole", 5, (153, 153, 153), "structures"),
    LabelId(27, "polegroup", IGNORE, (153, 153, 153), "structures"),
    LabelId(28, "obs-str-bar-fallback", IGNORE, (169, 187, 214), "structures"),
    LabelId(29, "building", 2, (70, 70, 70), "construction"),
    LabelId(30, "bridge", IGNORE, (150, 100, 100), "construction"),
    LabelId(31, "tunnel", IGNORE, (150, 120, 90), "construction"),
    LabelId(32, "vegetation", 8, (107, 142, 35), "vegetation"),
    LabelId(33, "sky", 10, (70, 130, 180), "sky"),
    LabelId(34, "fallback background", IGNORE, (169, 187, 214), "object fallback"),
    LabelId(35, "unlabeled", IGNORE, (0, 0, 0), "void"),
    LabelId(36, "ego vehicle", IGNORE, (0, 0, 0), "void"),
    LabelId(37, "rectification border", IGNORE, (0, 0, 0), "void"),
    LabelId(38, "out of roi", IGNORE, (0, 0, 0), "void"),
    LabelId(39, "license plate", IGNORE, (0, 0, 142), "vehicle"),
)


def idd() -> LabelTable:
    """Return the table: Cityscapes' classes and colours, IDD's own label ids."""
    return dataclasses.replace(cityscapes("idd"), label_ids=_LABELS)
