import numpy as np
from numpy.typing import NDArray

def solve(
    nearest: NDArray[np.float64], data: float, pair: float, tolerance: float
) -> NDArray[np.float64]: ...
