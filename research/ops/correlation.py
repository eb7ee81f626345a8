"""Cost volume: how well each pixel of one feature map fits its neighbours in another."""

from typing import Any

from keras import ops

Tensor = Any


def cost_volume(first: Tensor, second: Tensor, search_range: int = 4, stride: int = 1) -> Tensor:
    """Return the mean product of `first` at each pixel and `second` at each displacement.

    first, second: (batch, height, width, channels) float; `second` counts as zero outside.
    search_range: largest displacement in pixels, a multiple of `stride`, the step between them.
    Returned: (batch, height, width, n * n), n = 2 search_range / stride + 1; channel i n + j is
        the displacement (dy, dx) = (i stride - search_range, j stride - search_range).
    Memory: the result, one padded copy of `second` and one product of the size of `first` at a
        time; no copy of either map for each displacement, as patches would need. In training, the
        gradient keeps none either: the products are made again.
    Raises ValueError for unlike channels, another rank, or a stride that does not fit the range.
    Source: Sun et al. 2018, eq. 2; tensorflow-addons 0.22's CorrelationCost with kernel size 1.
    """
    first, second = ops.convert_to_tensor(first), ops.convert_to_tensor(second)
    if len(first.shape) != 4 or first.shape[-1] != second.shape[-1]:
        raise ValueError(
            "two feature maps (batch, height, width, channels) expected, "
            f"got {tuple(first.shape)} and {tuple(second.shape)}"
        )
    if search_range < 0 or stride < 1 or search_range % stride:
        raise ValueError(f"search_range={search_range} is no multiple of stride={stride}")
    height, width = ops.shape(first)[1:3]
    margin = (search_range, search_range)
    padded = ops.pad(second, ((0, 0), margin, margin, (0, 0)))
    costs = []
    for dy in range(0, 2 * search_range + 1, stride):
        rows = padded[:, dy : dy + height]
        for dx in range(0, 2 * search_range + 1, stride):
            costs.append(ops.mean(first * rows[:, :, dx : dx + width], axis=-1))
    return ops.stack(costs, axis=-1)
