"""The arrays of an `.npz`, read one by one: names and shapes are known before a value is.

Weights may be anybody's. A file that claims gigabytes is compared with the network by its headers,
and each array is inflated alone, with its checksum, once it has a place.
"""

import copy
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.regular_files import check_regular

_END = ".npy"


class ArrayFile(Mapping[str, np.ndarray]):
    """Name -> array of an `.npz`; `shape_of` tells a shape without reading the array."""

    def __init__(self, path: Path) -> None:
        """Read the list of arrays; raise RoadsegError if the file is absent or is no `.npz`."""
        self.path = path
        try:
            check_regular(path)
            self._archive = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise RoadsegError(f"{path}: no such file; is this a checkpoint of roadseg?") from None
        except Exception as error:  # zipfile has no one exception for damaged files
            raise self._damaged(error) from None
        names = (member.filename for member in self._archive.infolist())
        self._members = {name.removesuffix(_END): name for name in names if name.endswith(_END)}
        if not self._members and self._archive.infolist():
            raise RoadsegError(f"{path}: a zip file without arrays (.npy); name an .npz")
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._others: dict[str, ArrayFile] = {}

    def with_those_of(self, other: "ArrayFile") -> "ArrayFile":
        """Return these arrays, those that `other` has as well taken from there."""
        both = copy.copy(self)
        both._others = {**self._others, **dict.fromkeys(other._members, other)}
        both._members = {**self._members, **other._members}
        return both

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._members)

    def __len__(self) -> int:
        """Return the number of arrays."""
        return len(self._members)

    def __contains__(self, name: object) -> bool:
        """Return whether there is an array of this name; none is read for that."""
        return name in self._members

    def __getitem__(self, name: str) -> np.ndarray:
        """Return an array; raise RoadsegError if it is damaged."""
        if name in self._others:
            return self._others[name][name]
        member = self._members[name]
        self.shape_of(name)  # a header that does not fit its file is refused before it is believed
        try:
            with self._archive.open(member) as file:
                # A pickle could run code.
                values = np.lib.format.read_array(file, allow_pickle=False)
                # Only at the end of a member does zipfile compare its checksum.
                if file.read(1):
                    raise ValueError("more bytes than its shape says")
            return values
        except Exception as error:  # NumPy, zipfile and zlib each raise their own
            raise self._damaged(error, name) from None

    def shape_of(self, name: str) -> tuple[int, ...]:
        """Return the shape of an array, from its header alone; RoadsegError if it is damaged."""
        if name in self._others:
            return self._others[name].shape_of(name)
        if name not in self._shapes:
            member = self._archive.getinfo(self._members[name])
            try:
                with self._archive.open(member) as file:
                    shape, dtype, begin = _header(file)
                # In Python's integers: a damaged header may claim more than 64 bits hold.
                wanted = begin + int(np.prod(shape, dtype=object)) * dtype.itemsize
                if dtype.hasobject or wanted != member.file_size:
                    raise ValueError(f"{member.file_size} bytes where its header says {wanted}")
            except Exception as error:
                raise self._damaged(error, name) from None
            self._shapes[name] = tuple(int(side) for side in shape)
        return self._shapes[name]

    def check(self) -> None:
        """Raise RoadsegError unless every array is whole: header, length and checksum."""
        for name in self._members:
            self.shape_of(name)
        try:
            broken = self._archive.testzip()
        except Exception as error:
            raise self._damaged(error) from None
        if broken is not None:
            raise self._damaged(ValueError("another checksum"), broken.removesuffix(_END))

    def _damaged(self, error: Exception, name: str = "") -> RoadsegError:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        what = f"'{name}': " if name else ""
        return RoadsegError(
            f"{self.path}: not readable as .npz arrays ({what}{reason}); copy the file again"
        )


class Renamed(Mapping[str, np.ndarray]):
    """Arrays by other names, read when they are asked for."""

    def __init__(self, arrays: Mapping[str, Any], names: Mapping[str, str]) -> None:
        """Take `names`: what `arrays` calls each, by its name here."""
        self._arrays, self._names = arrays, names

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names here."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return the number of arrays."""
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        """Return whether there is an array of this name."""
        return name in self._names

    def __getitem__(self, name: str) -> np.ndarray:
        """Return the array of a name."""
        return np.asarray(self._arrays[self._names[name]])

    def shape_of(self, name: str) -> tuple[int, ...]:
        """Return the shape of an array, without reading it where that can be."""
        return shape_of(self._arrays, self._names[name])


def shape_of(arrays: Mapping[str, Any], name: str) -> tuple[int, ...]:
    """Return the shape of an array of `arrays`, without reading it where that can be."""
    if isinstance(arrays, ArrayFile | Renamed):
        return arrays.shape_of(name)
    return tuple(np.shape(arrays[name]))


def check_finite(values: np.ndarray, source: object, name: str) -> np.ndarray:
    """Return `values`; raise RoadsegError for one that is no number, in float32 as well.

    source: the file, for the message, beside `name`, the value and its place.
    """
    if np.issubdtype(values.dtype, np.floating):
        # What float32 cannot hold becomes infinite, and is refused below.
        with np.errstate(over="ignore"):
            finite = np.isfinite(values.astype(np.float32, copy=False))
        if not finite.all():
            place = np.unravel_index(int(finite.argmin()), values.shape)
            where = f" at {list(map(int, place))}" if place else ""
            raise RoadsegError(
                f"{source}: '{name}' holds {values[place]}{where}, which is no weight; take a "
                "checkpoint from before the training broke down"
            )
    return values


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype, int]:
    """Return shape, type and length in bytes of the header of an array file."""
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"version {version} of the form")
    shape, _, dtype = read(file)
    return shape, dtype, file.tell()
