from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Numbers = Sequence[int]

def undo_filters(
    raw: Bytes | bytes, row_bytes: int, channels: int, first: int, last: int, left: int, right: int
) -> Bytes | None: ...
def reach(numbers: Numbers, corners: str, nearest: bool) -> tuple[int, int]: ...
def bilinear_window(
    image: Bytes,
    rows: Numbers,
    columns: Numbers,
    corners: str,
    flipped: bool,
    out: Bytes,
    top: int,
    left: int,
) -> None: ...
def nearest_window(
    labels: Bytes,
    rows: Numbers,
    columns: Numbers,
    corners: str,
    flipped: bool,
    out: Bytes,
    top: int,
    left: int,
) -> None: ...
