import numpy as np
from numpy.typing import NDArray

MOST_CLASSES: int

def count_pairs(labels: NDArray, predictions: NDArray, num_classes: int) -> NDArray[np.int64]: ...
