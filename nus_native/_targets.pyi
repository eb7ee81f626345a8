from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def edge_maps(
    labels: NDArray, target_classes: Sequence[int] | None, ignore: int | None, threads: int
) -> NDArray[np.uint8]: ...
def nearest_edges(
    labels: NDArray,
    rows: Sequence[int],
    columns: Sequence[int],
    target_classes: Sequence[int] | None,
    ignore: int | None,
    threads: int,
) -> NDArray[np.int32]: ...
def boundary_density(
    labels: NDArray,
    rows: int,
    columns: int,
    target_classes: Sequence[int] | None,
    ignore: int | None,
    weights: NDArray[np.float32],
    threads: int,
) -> NDArray[np.float64]: ...
def solve(
    nearest: NDArray[np.float64], data: float, pair: float, threads: int
) -> NDArray[np.float64]: ...
