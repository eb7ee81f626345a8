from pathlib import Path

import pytest

extensions = pytest.importorskip("roadseg.nus_native.extensions", reason="needs setuptools")


def headers(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CPATH", "CERES_INCLUDE_DIR", "ROADSEG_WITHOUT_CERES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(extensions, "USUAL_INCLUDES", ())


def test_ceres_is_left_out_where_no_headers_are() -> None:
    assert extensions.ceres_includes() is None


def test_ceres_needs_the_headers_of_eigen_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPATH", str(headers(tmp_path, "ceres/ceres.h")))
    assert extensions.ceres_includes() is None
    headers(tmp_path, "eigen3/Eigen/Core")
    assert extensions.ceres_includes() == [str(tmp_path), str(tmp_path / "eigen3")]


def test_named_folder_comes_before_the_usual_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = ("ceres/ceres.h", "Eigen/Core")
    usual, named = headers(tmp_path / "usual", *both), headers(tmp_path / "named", *both)
    monkeypatch.setattr(extensions, "USUAL_INCLUDES", (str(usual),))
    assert extensions.ceres_includes() == [str(usual), str(usual)]
    monkeypatch.setenv("CERES_INCLUDE_DIR", str(named))
    assert extensions.ceres_includes() == [str(named), str(named)]


def test_ceres_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPATH", str(headers(tmp_path, "ceres/ceres.h", "Eigen/Core")))
    monkeypatch.setenv("ROADSEG_WITHOUT_CERES", "1")
    assert extensions.ceres_includes() is None
    monkeypatch.setenv("ROADSEG_WITHOUT_CERES", "0")
    assert extensions.ceres_includes() is not None
