"""Maps what label files hold (ids, train ids, colours, outlines) to a label table's train ids."""

import dataclasses
from pathlib import Path

import numpy as np

from roadseg.data_conversion.raw.image_files import DecodedLabel, encode_label, read_label
from roadseg.data_conversion.raw.pictures import USUAL, PictureRules
from roadseg.data_conversion.raw.polygons import draw_polygons
from roadseg.data_conversion.raw.source import Coding
from roadseg.errors import RoadsegError
from roadseg.label_tables import LabelTable

_UNKNOWN = -1
_BEYOND = 256  # any value of a 16-bit file that no id has


@dataclasses.dataclass(frozen=True)
class LabelCoding:
    """How the label files of a data set become records: PNG of train ids and the ignore value."""

    table: LabelTable
    coding: Coding = "ids"
    rules: PictureRules = USUAL

    def read(self, path: Path) -> DecodedLabel:
        """Return what the label file holds; RoadsegError if it is damaged or of another form."""
        if self.coding == "polygons":
            return draw_polygons(path, self.table, self.rules)
        return read_label(path, self.rules)

    def encode(self, label: DecodedLabel, path: Path) -> bytes:
        """Return a grey PNG of train ids; raises RoadsegError as `train_ids` does."""
        return self.encoded(label, self.train_ids(label.values, path))

    def encoded(self, label: DecodedLabel, train_ids: np.ndarray) -> bytes:
        """Return `train_ids` of a label as grey PNG: its own bytes if they hold them already."""
        if label.plain and np.array_equal(train_ids, label.values):
            return label.encoded
        return encode_label(train_ids)

    def train_ids(self, values: np.ndarray, path: Path) -> np.ndarray:
        """Return uint8 (height, width) train ids of values (height, width) or colours (..., 3).

        Raises RoadsegError naming the file, the first value outside the table and its pixel.
        """
        if (values.ndim == 3) != (self.coding == "colours"):
            found = "colours" if values.ndim == 3 else "one value a pixel"
            raise RoadsegError(f"{path}: holds {found}; this data set wants {self._wanted()}")
        if self.coding == "colours":
            mapped = self._from_colours(values)
        else:
            mapped = self._lookup()[values.clip(max=_BEYOND)]
        unknown = mapped == _UNKNOWN
        if unknown.any():
            row, column = np.unravel_index(int(unknown.argmax()), unknown.shape)
            raise RoadsegError(self._refusal(values[row, column], int(row), int(column), path))
        return mapped.astype(np.uint8)

    def _lookup(self) -> np.ndarray:
        lookup = np.full(_BEYOND + 1, _UNKNOWN, np.int16)
        if self.coding == "train":
            lookup[: self.table.num_classes] = range(self.table.num_classes)
            lookup[self.table.ignore] = self.table.ignore
        else:
            for value, train_id in self.table.id_to_train.items():
                lookup[value % 256] = train_id  # -1 is 255 in an 8-bit file
        return lookup

    def _from_colours(self, colours: np.ndarray) -> np.ndarray:
        codes = _pack(colours)
        table = {int(_pack(np.array(c))): train for c, train in self._colours().items()}
        known = np.array(sorted(table), np.int32)
        trains = np.array([table[code] for code in known], np.int16)
        index = np.searchsorted(known, codes).clip(max=len(known) - 1)
        return np.where(known[index] == codes, trains[index], np.int16(_UNKNOWN))

    def _colours(self) -> dict[tuple[int, int, int], int]:
        return self.table.colour_to_train

    def _wanted(self) -> str:
        if self.coding == "colours":
            return "RGB files in the colours of its table"
        return "files with one value a pixel"

    def _refusal(self, value: np.ndarray, row: int, column: int, path: Path) -> str:
        where = f"at row {row}, column {column} is not in the label table '{self.table.name}'"
        if self.coding == "colours":
            colour = ", ".join(str(int(v)) for v in np.atleast_1d(value))
            return f"{path}: colour ({colour}) {where}; mend the label, or add the colour"
        if self.coding == "train":
            hint = "if the file holds label ids, run the converter with `--labels ids`"
            return f"{path}: train id {int(value)} {where}; {hint}"
        known = sorted(id_ for id_ in self.table.id_to_train)
        return f"{path}: label id {int(value)} {where} (ids {known[0]} to {known[-1]}); mend it"


def _pack(colours: np.ndarray) -> np.ndarray:
    wide = colours.astype(np.int32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
