"""PyTorch's own files: tensors are read, wrapped or not; nothing else in them is opened."""

import pickle
import sys
import tarfile
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadseg.errors import RoadsegError
from roadseg.weights.pytorch import is_pytorch, read_pytorch


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch (extra `torch`) is not installed")


def state(torch, prefix: str = "") -> dict:
    return {
        f"{prefix}conv.weight": torch.arange(12.0).reshape(2, 6),
        f"{prefix}bn.running_var": torch.ones(2, dtype=torch.bfloat16),
        f"{prefix}bn.num_batches_tracked": torch.tensor(5),
    }


def refusal(path: Path) -> str:
    with pytest.raises(RoadsegError) as refused:
        read_pytorch(path)
    message = str(refused.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    assert "weights_only" not in message
    return message


@pytest.mark.parametrize("wrapper", [(), ("state_dict",), ("model", "state_dict")])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_weights_are_found_under_what_training_scripts_put_around_them(
    torch, tmp_path, wrapper, prefix
):
    content = state(torch, prefix)
    for key in reversed(wrapper):
        content = {"epoch": 3, key: content, "optimizer": {"lr": 0.1}}
    torch.save(content, tmp_path / "published.pth")
    found = read_pytorch(tmp_path / "published.pth")
    assert set(found) == {"conv.weight", "bn.running_var"}
    np.testing.assert_array_equal(found["conv.weight"], np.arange(12.0).reshape(2, 6))
    assert found["bn.running_var"].dtype == np.float32


def test_files_from_before_pytorch_1_6_are_read(torch, tmp_path):
    torch.save(state(torch), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert len(read_pytorch(tmp_path / "old.pth")) == 2


class Trap:
    """What a pickle can do when it is opened."""

    opened: list[str] = []

    def __reduce__(self):
        return self.opened.append, ("trap",)


@pytest.mark.parametrize("new_format", [True, False])
def test_a_pickle_of_anything_else_is_refused_unopened(torch, tmp_path, new_format):
    content = state(torch) | {"extra": Trap()}
    path = tmp_path / "trap.pth"
    torch.save(content, path, _use_new_zipfile_serialization=new_format)
    message = refusal(path)
    assert "could run code" in message and "state_dict()" in message
    assert not Trap.opened


def test_a_whole_module_is_refused_by_the_name_of_its_class(torch, tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pth")
    assert "torch.nn.modules.linear.Linear" in refusal(tmp_path / "module.pth")


def test_a_number_among_the_weights_is_refused_by_its_name(torch, tmp_path):
    torch.save(state(torch) | {"epoch": 3}, tmp_path / "mixed.pth")
    assert "'epoch' is of type int, not a tensor" in refusal(tmp_path / "mixed.pth")


def test_a_list_of_tensors_is_refused(torch, tmp_path):
    torch.save([torch.ones(2)], tmp_path / "list.pth")
    assert "holds one list, not weights by name" in refusal(tmp_path / "list.pth")


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_file_cut_short_is_refused(torch, tmp_path, share):
    torch.save(state(torch), tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: int(share * len(whole))])
    assert "not a checkpoint of tensors" in refusal(tmp_path / "cut.pth")


def test_a_damaged_file_is_refused_without_pytorch_too(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "published.pth").write_bytes(b"PK")
    assert "not a PyTorch checkpoint of tensors" in refusal(tmp_path / "published.pth")


@pytest.mark.parametrize(
    ("loaded", "message"),
    [
        (
            pickle.UnpicklingError("Unsupported class x.Y: GLOBAL x.Y"),
            "more than tensors .x.Y., wh",
        ),
        (pickle.UnpicklingError("magic"), "damaged, or a pickle of something else than tensors"),
        (RuntimeError("Too short. Copy it"), "not a checkpoint of tensors .Too short.; copy"),
        (RuntimeError("a TorchScript archive"), "a TorchScript archive; save its state_dict"),
        ({"conv.weight": np.ones(2), "epoch": 3}, "'epoch' is of type int, not a tensor; save"),
    ],
)
def test_what_pytorch_finds_is_said_in_one_line(tmp_path, monkeypatch, loaded: Any, message: str):
    """Stands for PyTorch where it is not installed: what its loader raises or returns."""

    def load(source: Path, **_: Any) -> Any:
        if isinstance(loaded, Exception):
            raise loaded
        return loaded

    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(load=load))
    (tmp_path / "published.pth").write_bytes(b"old form")
    with pytest.raises(RoadsegError, match=f"published.pth: .*{message}") as refused:
        read_pytorch(tmp_path / "published.pth")
    assert "\n" not in str(refused.value)


def test_checksums_are_looked_at_before_the_file_is_opened(tmp_path):
    path = tmp_path / "published.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"numbers of the network")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"numbers of", b"numbers if", 1))
    assert "damaged: the checksum of 'archive/data.pkl' differs" in refusal(path)
    path.write_bytes(whole.replace(b"PK\3\4", b"PK\3\5", 1))  # a directory that leads nowhere
    assert "not a checkpoint of tensors (" in refusal(path)


def test_an_absent_file_is_named_before_pytorch_is_asked(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "no such file" in refusal(tmp_path / "absent.pth")


def test_a_file_called_tar_that_is_no_archive_is_pytorchs(torch, tmp_path):
    """So are STDC's backbones published: a state dictionary under a key, classifier and all."""
    torch.save({"state_dict": state(torch, "features.")}, tmp_path / "STDCNet813_73.91.tar")
    assert is_pytorch(tmp_path / "STDCNet813_73.91.tar")
    assert set(read_pytorch(tmp_path / "STDCNet813_73.91.tar")) == {
        "features.conv.weight",
        "features.bn.running_var",
    }
    with tarfile.open(tmp_path / "archive.tar", "w") as archive:
        archive.add(tmp_path / "STDCNet813_73.91.tar")
    assert not is_pytorch(tmp_path / "archive.tar")


def test_files_are_told_by_their_names():
    names = ("a.pth", "a.pt", "a.pth.tar", "a.tar", "a.npz", "a.tgz")
    assert [is_pytorch(Path(name)) for name in names] == [True, True, True, False, False, False]
