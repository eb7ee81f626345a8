"""Reads tensors out of PyTorch's and Paddle's files with NumPy alone; nothing in them is run.

Only the names below are looked up; any other makes the file refused, before it is called.
"""

import collections
import io
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from roadseg.errors import RoadsegError
from roadseg.regular_files import check_regular

MAGIC = 0x1950A86A20F9469CFC6C
"""First number in PyTorch's files of before 1.6."""
BFLOAT16 = "bfloat16"
STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": BFLOAT16,
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
ADVICE = "where you trust it, open it with that program and save its arrays by name (numpy.savez)"


class Storage(NamedTuple):
    """A run of values that tensors are cut from, by the key under which the file has it."""

    key: str
    dtype: str


class Tensor(NamedTuple):
    """A tensor as the file describes it: places in a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Refused(pickle.UnpicklingError):
    """The file asks for more than tensors."""


def is_paddle(source: Path) -> bool:
    """Return whether the name of `source` is a Paddle checkpoint's."""
    return source.suffix in (".params", ".pdparams")


def read_torch_content(source: Path) -> Any:
    """Return what a PyTorch file holds, tensors as arrays.

    Raises RoadsegError for a file that is damaged, or a pickle of anything else than tensors.
    """
    return _read(source, "PyTorch", _torch)


def read_paddle_content(source: Path) -> Any:
    """Return what a Paddle file holds, arrays by name; raise RoadsegError as above."""
    return _read(source, "Paddle", _paddle)


def _read(source: Path, whose: str, read: Callable[[Path], Any]) -> Any:
    try:
        check_regular(source)
        return read(source)
    except Refused as error:
        raise RoadsegError(
            f"{source}: a pickle of more than tensors ({error}), which could run code when "
            f"opened: refused; {ADVICE}"
        ) from None
    except FileNotFoundError:
        raise RoadsegError(f"{source}: no such file; check the path") from None
    # A damaged pickle can raise whatever its half-read numbers lead to.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise RoadsegError(f"{source}: not a {whose} checkpoint of tensors ({reason})") from None


class _Unpickler(pickle.Unpickler):
    """Finds what tensors are made of and refuses the rest."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in NAMES:
            return NAMES[module, name]
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise Refused(f"{module}.{name}")

    def persistent_load(self, key: Any) -> Storage:
        kind, dtype, name = key[:3]
        if kind != "storage" or not isinstance(dtype, str):
            raise Refused(f"a {kind}")
        return Storage(str(name), dtype)


def _rebuilt(
    storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> Tensor:
    return Tensor(storage, int(offset), tuple(size), tuple(stride))


def _first(value: Any, *_: Any) -> Any:
    return value


NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor"): _rebuilt,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuilt,
    ("torch._utils", "_rebuild_parameter"): _first,
    ("builtins", "tuple"): tuple,
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
}
# NumPy 2 moved it; a file names the place that it had when the file was written.
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    NAMES[_module, "_reconstruct"] = np._core.multiarray._reconstruct  # type: ignore[attr-defined]
    NAMES[_module, "scalar"] = np._core.multiarray.scalar  # type: ignore[attr-defined]


def _torch(source: Path) -> Any:
    if zipfile.is_zipfile(source):
        return _torch_zip(source)
    with source.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":  # to a pickle, a name up to the next end of a line
            raise ValueError("the file ends early")
    return _torch_old(source)


def _torch_zip(source: Path) -> Any:
    with zipfile.ZipFile(source) as archive:
        places = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(places) != 1:
            raise ValueError("no data.pkl in it")
        folder = places[0].removesuffix("data.pkl")
        content = _Unpickler(io.BytesIO(archive.read(places[0]))).load()
        return _with_arrays(content, lambda key: archive.read(f"{folder}data/{key}"))


def _torch_old(source: Path) -> Any:
    with source.open("rb") as file:
        if _Unpickler(file).load() != MAGIC:
            raise ValueError("another kind of file")
        _Unpickler(file).load()  # version of the protocol
        _Unpickler(file).load()  # sizes of numbers there
        reader = _Unpickler(file)
        content = reader.load()
        keys = [str(key) for key in _Unpickler(file).load()]
        sizes = {storage.key: storage for storage in _storages(content)}
        parts = {}
        for key in keys:
            count = int.from_bytes(file.read(8), "little")
            width = _width(sizes[key].dtype)
            parts[key] = file.read(count * width)
            if len(parts[key]) != count * width:
                raise ValueError("the file ends early")
        return _with_arrays(content, parts.__getitem__)


def _paddle(source: Path) -> Any:
    with source.open("rb") as file:
        content = _Unpickler(file).load()
    return _mapped(content, lambda value: value[1] if _is_named_array(value) else value)


def _is_named_array(value: Any) -> bool:
    """Return whether `value` is Paddle's (name, array)."""
    pair = isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)
    return pair and isinstance(value[1], np.ndarray)


def _with_arrays(content: Any, read: Callable[[str], bytes]) -> Any:
    """Return `content` with its tensors as arrays; `read` gives the bytes of a storage."""
    stored: dict[str, np.ndarray] = {}

    def array(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        key = value.storage.key
        if key not in stored:
            stored[key] = _values(read(key), value.storage.dtype)
        return _cut(stored[key], value)

    return _mapped(content, array)


def _values(data: bytes, dtype: str) -> np.ndarray:
    if dtype != BFLOAT16:
        return np.frombuffer(data, dtype)
    # The upper half of a float32.
    halves = np.frombuffer(data, "<u2").astype("<u4")
    return (halves << 16).view("<f4")


def _cut(values: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Return the tensor's values; raise ValueError for places outside the storage.

    A tensor of more values than its storage (strides of 0: each is there once) stays a view of it,
    so that a file which claims a huge one takes no memory before its shape is compared.
    """
    shape, strides = tensor.shape, tensor.strides
    if len(shape) != len(strides) or min((*shape, *strides, tensor.offset, 0)) < 0:
        raise ValueError("a tensor of impossible shape")
    last = tensor.offset + sum(
        (side - 1) * stride for side, stride in zip(shape, strides, strict=True)
    )
    # In Python's integers: a damaged file may claim more than 64 bits hold.
    size = int(np.prod(shape, dtype=object))
    if size and last >= values.size:
        raise ValueError("a tensor reaches beyond its values")
    if not size:
        return np.zeros(shape, values.dtype)
    begin = values[tensor.offset :]
    steps = tuple(stride * values.itemsize for stride in strides)
    view = np.lib.stride_tricks.as_strided(begin, shape, steps, writeable=False)
    return view if size > values.size else view.copy()


def _width(dtype: str) -> int:
    return 2 if dtype == BFLOAT16 else np.dtype(dtype).itemsize


def _storages(content: Any) -> list[Storage]:
    found: list[Storage] = []

    def note(value: Any) -> Any:
        if isinstance(value, Tensor):
            found.append(value.storage)
        return value

    _mapped(content, note)
    return found


def _mapped(content: Any, change: Callable[[Any], Any]) -> Any:
    """Return `content` with `change` made to what stands in its dictionaries and lists."""
    if isinstance(content, Mapping):
        return {key: _mapped(value, change) for key, value in content.items()}
    if isinstance(content, list):
        return [_mapped(value, change) for value in content]
    return change(content)
