import numpy as np
from numpy.typing import NDArray

def interpolate(
    scores: NDArray,
    positions: NDArray[np.float64],
    height: int,
    width: int,
    argmax: bool,
    threads: int,
) -> NDArray: ...
