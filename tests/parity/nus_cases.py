"""The cases that nus-targets and nus-interpolate fixtures list, as parameters of tests."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.support import Fixture, parity_fixtures

TARGETS = [Fixture.load(path) for path in parity_fixtures("nus-targets*.npz")]
INTERPOLATE = [Fixture.load(path) for path in parity_fixtures("nus-interpolate*.npz")]


class Grid(NamedTuple):
    """One grid of one case; `square_index` where columns are asked by the height, as published."""

    fixture: Fixture
    case: dict[str, Any]
    key: str
    sides: tuple[int, int]
    square_index: bool

    @property
    def labels(self) -> np.ndarray:
        return self.fixture.arrays[f"{self.case['name']}/labels"]

    @property
    def nearest(self) -> np.ndarray:
        return self.fixture.arrays[f"{self.key}/nearest"]

    @property
    def options(self) -> dict[str, Any]:
        return {
            "target_classes": self.case["target_classes"],
            "ignore": self.case["ignore_label"],
        }

    def solutions(self, solver: str) -> Iterator[tuple[float, np.ndarray]]:
        for alpha in self.case["alphas"]:
            yield alpha, self.fixture.arrays[f"{self.key}/a{alpha}/{solver}"]


def grids(own_index: bool = False, edges: bool | None = None) -> list[Any]:
    """Return every grid; own_index: without `square_index`; edges: of maps with or without any."""
    found = []
    for fixture in TARGETS:
        for case in fixture.meta["cases"]:
            if edges is not None and edges != bool(case["edge_pixels"]):
                continue
            for key in case["grids"]:
                _, sides, *index = key.split("/")
                height, width = map(int, sides.split("x"))
                grid = Grid(fixture, case, key, (height, width), index == ["square_index"])
                if not (own_index and grid.square_index):
                    found.append(pytest.param(grid, id=f"{fixture.path.stem}-{key}"))
    return found


def target_cases() -> list[Any]:
    return [
        pytest.param(fixture, case, id=f"{fixture.path.stem}-{case['name']}")
        for fixture in TARGETS
        for case in fixture.meta["cases"]
    ]


def scattered_cases(folded: bool | None = None, affine: bool | None = None) -> list[Any]:
    """Return interpolations; folded: whether triangles overlap; affine: whether values are."""
    return [
        pytest.param(fixture, case, id=f"{fixture.path.stem}-{case['name']}")
        for fixture in INTERPOLATE
        for case in fixture.meta["cases"]
        if folded in (None, case["folded_cells"] > 0)
        and affine in (None, case["name"].startswith("uniform"))
    ]
