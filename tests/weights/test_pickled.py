"""Files of PyTorch and Paddle, written here as those programs write them, read without either."""

import io
import pickle
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.weights import pickled
from roadseg.weights.pytorch import read_paddle, read_pytorch

VALUES = np.arange(24, dtype="<f4")


class Stored:
    """A tensor to be written: which values, and how it is cut from them."""

    def __init__(self, values: np.ndarray, shape: tuple, strides: tuple, offset: int = 0):
        self.values, self.shape, self.strides, self.offset = values, shape, strides, offset
        self.kind = "FloatStorage"

    def __reduce__(self) -> tuple:
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2  # type: ignore[attr-defined]
        return rebuild, (Storage(self), self.offset, self.shape, self.strides, False, None)


class Storage:
    """What stands for the values in the pickle."""

    def __init__(self, tensor: Stored) -> None:
        self.tensor = tensor


class Writer(pickle.Pickler):
    """Keeps values apart from what is said of them, as PyTorch does."""

    def __init__(self, file: Any, protocol: int = 2) -> None:
        super().__init__(file, protocol)
        self.parts: dict[str, np.ndarray] = {}

    def persistent_id(self, value: Any) -> Any:
        if not isinstance(value, Storage):
            return None
        key = str(len(self.parts))
        self.parts[key] = value.tensor.values
        kind = getattr(sys.modules["torch"], value.tensor.kind)
        return ("storage", kind, key, "cpu", len(value.tensor.values))


@pytest.fixture(autouse=True)
def names_of_torch(monkeypatch):
    """Let the pickles name PyTorch's classes and functions, and reading not find it installed."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in pickled.STORAGES:
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2(*_: Any) -> None: ...

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = (
        "torch._utils",
        "_rebuild_tensor_v2",
    )
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    yield
    monkeypatch.undo()


def write(path: Path, content: Any, new: bool = True) -> Path:
    """Write `content` in PyTorch's format of today, or of before 1.6."""
    if new:
        data = io.BytesIO()
        writer = Writer(data)
        writer.dump(content)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", data.getvalue())
            for key, values in writer.parts.items():
                archive.writestr(f"archive/data/{key}", values.tobytes())
        return path
    with path.open("wb") as file:
        for head in (pickled.MAGIC, 1001, {"little_endian": True}):
            pickle.dump(head, file, 2)
        writer = Writer(file)
        writer.dump(content)
        pickle.dump(list(writer.parts), file, 2)
        for values in writer.parts.values():
            file.write(len(values).to_bytes(8, "little") + values.tobytes())
    return path


def read(path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    monkeypatch.setitem(sys.modules, "torch", None)
    return read_paddle(path) if pickled.is_paddle(path) else read_pytorch(path)


def refusal(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    with pytest.raises(RoadsegError) as refused:
        read(path, monkeypatch)
    message = str(refused.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message


@pytest.mark.parametrize("new", [True, False])
def test_tensors_are_cut_from_their_values_as_the_file_says(tmp_path, monkeypatch, new):
    state = {
        "module.whole.weight": Stored(VALUES, (2, 3, 4), (12, 4, 1)),
        "module.turned.weight": Stored(VALUES, (4, 3), (1, 4), offset=12),
        "module.scalar": Stored(VALUES[:1], (), ()),
        "module.bn.num_batches_tracked": Stored(VALUES[:1], (), ()),
    }
    path = write(tmp_path / "net.pth", {"epoch": 3, "state_dict": state}, new)
    found = read(path, monkeypatch)
    assert set(found) == {"whole.weight", "turned.weight", "scalar"}
    np.testing.assert_array_equal(found["whole.weight"], VALUES.reshape(2, 3, 4))
    np.testing.assert_array_equal(found["turned.weight"], VALUES[12:].reshape(3, 4).T)
    assert found["scalar"] == 0


def test_numbers_of_sixteen_bits_are_read(tmp_path, monkeypatch):
    half = Stored(VALUES.astype("<f2"), (24,), (1,))
    half.kind = "HalfStorage"
    brain = Stored((VALUES.view("<u4") >> 16).astype("<u2"), (24,), (1,))
    brain.kind = "BFloat16Storage"
    found = read(write(tmp_path / "net.pth", {"half": half, "brain": brain}), monkeypatch)
    for name in ("half", "brain"):
        np.testing.assert_array_equal(np.asarray(found[name], "f4"), VALUES)


@pytest.mark.parametrize(
    "tensor",
    [
        Stored(VALUES, (5, 5), (5, 1)),
        Stored(VALUES, (2, 3), (30, 1)),
        Stored(VALUES, (2,), (1,), offset=23),
        Stored(VALUES, (2,), (-1,), offset=23),
        Stored(VALUES, (2, 2), (1,)),
    ],
)
@pytest.mark.parametrize("new", [True, False])
def test_a_tensor_beyond_its_values_is_refused(tmp_path, monkeypatch, tensor, new):
    path = write(tmp_path / "net.pth", {"conv.weight": tensor}, new)
    assert "not a PyTorch checkpoint of tensors (a tensor" in refusal(path, monkeypatch)


@pytest.mark.parametrize("new", [True, False])
def test_a_file_cut_short_is_refused(tmp_path, monkeypatch, new):
    path = write(tmp_path / "net.pth", {"conv.weight": Stored(VALUES, (24,), (1,))}, new)
    whole = path.read_bytes()
    for share in (0.1, 0.5, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert "not a PyTorch checkpoint" in refusal(path, monkeypatch)


def test_a_start_of_a_zip_archive_is_no_pickle_where_it_looks_like_one(tmp_path, monkeypatch):
    path = tmp_path / "net.pth"
    path.write_bytes(b"PK\x03\x04\x14\x00\n(lp0\n.")
    assert "tensors (the file ends early)" in refusal(path, monkeypatch)


class Trap:
    """What a pickle can do when it is opened."""

    opened: list[str] = []

    def __reduce__(self):
        return self.opened.append, ("trap",)


@pytest.mark.parametrize("name", ["new.pth", "old.pth", "net.params"])
def test_a_pickle_of_anything_else_is_refused_unopened(tmp_path, monkeypatch, name):
    path, content = tmp_path / name, {"conv.weight": Trap()}
    if name == "net.params":
        path.write_bytes(pickle.dumps(content))
    else:
        write(path, content, new=name == "new.pth")
    message = refusal(path, monkeypatch)
    assert "could run code" in message and ".getattr" in message
    assert not Trap.opened


def test_paddles_arrays_are_read_named_or_not(tmp_path, monkeypatch):
    state = {
        "conv.weight": ("conv2d_0.w_0", VALUES.reshape(2, 3, 2, 2)),
        "bn._mean": VALUES[:3],
        "bn.weight": VALUES[:3],
    }
    path = tmp_path / "best.params"
    path.write_bytes(pickle.dumps({"epoch": 9, "model": state}))
    found = read(path, monkeypatch)
    assert set(found) == {"conv.weight", "bn.running_mean", "bn.weight"}
    np.testing.assert_array_equal(found["conv.weight"], VALUES.reshape(2, 3, 2, 2))
