"""Two cameras with overlapping views ("yuanqu", of Semantics Sharing): six classes.

Source: Xiang et al., arXiv 1909.07038. Neither paper nor code names the classes; the colours are
the code's palette, and the names say what its pictures show.
"""

from roadseg.label_tables.label_table import LabelId, LabelTable

IGNORE = 255

_CLASSES = {
    "background": (0, 0, 0),
    "road": (128, 64, 128),
    "person": (220, 20, 60),
    "vehicle": (0, 0, 142),
    "barrier": (153, 153, 153),
    "two-wheeler": (119, 11, 32),
}


def dual_camera() -> LabelTable:
    """Return the table; ignored pixels are meant to be -1, which an 8-bit file holds as 255."""
    ids = tuple(LabelId(i, name, i, colour) for i, (name, colour) in enumerate(_CLASSES.items()))
    return LabelTable(
        name="dual_camera",
        names=tuple(_CLASSES),
        colours=tuple(_CLASSES.values()),
        ignore=IGNORE,
        target_classes=(2, 3, 5),
        small_classes=(2, 5),
        label_ids=(*ids, LabelId(-1, "ignored", IGNORE, (0, 0, 0))),
    )
