"""Label ids from the outlines that Cityscapes and IDD publish (`*_polygons.json`).

Objects are drawn in the order of the file, so that nearer ones cover what lies behind; the ground
is `unlabeled`. Deleted objects, those whose id is negative and those whose outline has no point
(IDD has some) are left out, and a group of things (`cargroup`) has the id of one.
Source: json2labelImg of cityscapesScripts and AutoNUE/public-code; Pillow fills the outlines there
as here, which settles every pixel on a border.
"""

from pathlib import Path
from typing import Any

import numpy as np

from roadseg.data_conversion.raw.image_files import DecodedLabel
from roadseg.data_conversion.raw.pictures import USUAL, PictureRules, read_file
from roadseg.errors import RoadsegError
from roadseg.files import parse_json
from roadseg.label_tables import LabelTable

_GROUND = "unlabeled"
_LARGEST_SIDE = 1 << 15


def draw_polygons(path: Path, table: LabelTable, rules: PictureRules = USUAL) -> DecodedLabel:
    """Return the label ids (height, width) uint8 that the outlines of a file enclose.

    Raises RoadsegError naming the file and what is wrong: no such form, an object whose name is
    not in the table.
    """
    from PIL import Image, ImageDraw

    content, values = _read(path)
    ids = {label.name: label.id for label in table.label_ids}
    try:
        size = int(values["imgWidth"]), int(values["imgHeight"])
        if not 0 < min(size) <= max(size) <= _LARGEST_SIDE:
            raise ValueError(f"an image of {size[0]} x {size[1]}")
        rules.check_size(*size[::-1], path)
        objects = [
            (str(entry["label"]), [(float(x), float(y)) for x, y in entry["polygon"]])
            for entry in values["objects"]
            if not entry.get("deleted", 0)
        ]
    except RoadsegError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise RoadsegError(
            f"{path}: not the outlines of a picture ({error!r}); copy the file again"
        ) from None
    label = Image.new("L", size, ids[_GROUND])
    pencil = ImageDraw.Draw(label)
    for name, outline in objects:
        label_id = ids.get(name, ids.get(name.removesuffix("group")))
        if label_id is None:
            raise RoadsegError(
                f"{path}: an object is called '{name}', which is not in the label table "
                f"'{table.name}'; mend it"
            )
        if len(outline) == 1:
            raise RoadsegError(f"{path}: '{name}' has an outline of one point; mend it")
        if label_id >= 0 and outline:
            pencil.polygon(outline, fill=label_id)
    return DecodedLabel(content, np.asarray(label, np.uint8), plain=False)


def _read(path: Path) -> tuple[bytes, Any]:
    content = read_file(path)
    try:
        return content, parse_json(content)
    except ValueError as error:
        raise RoadsegError(f"{path}: not JSON ({error}); copy the file again") from None
