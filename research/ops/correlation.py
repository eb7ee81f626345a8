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
    Memory, in maps of the size of `first`: 8 at 244x384, 32 channels, n = 9, of which the result
        and its parts are 5; 11 on two cores, which work on parts at once. The gradient goes
        through the displacements again one by one, which makes up to 34 with a loss around it (36
        on two cores), where keeping the products made 114 (and 6 times the time).
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

    # Automatic differentiation would keep the product of every displacement; see Memory.
    @ops.custom_gradient
    def correlate(first: Tensor, second: Tensor) -> tuple[Tensor, Any]:
        def gradient(*arguments: Tensor, upstream: Tensor = None) -> tuple[Tensor, Tensor]:
            # Backends of Keras hand it over by position or by name.
            upstream = arguments[0] if upstream is None else upstream
            return _gradient(first, second, upstream, search_range, stride)

        return _costs(first, second, search_range, stride), gradient

    return correlate(first, second)


def _costs(first: Tensor, second: Tensor, search_range: int, stride: int) -> Tensor:
    padded, margin = _pad(second, search_range), 2 * search_range
    costs = []
    for top in range(0, margin + 1, stride):
        # Counted from the far side, ends are constants where sizes are not, and graphs smaller.
        rows = padded[:, top : top - margin or None]
        for left in range(0, margin + 1, stride):
            costs.append(ops.sum(first * rows[:, :, left : left - margin or None], axis=-1))
    return ops.stack(costs, axis=-1) / first.shape[-1]


def _gradient(
    first: Tensor, second: Tensor, upstream: Tensor, search_range: int, stride: int
) -> tuple[Tensor, Tensor]:
    """Return the gradients in `first` and `second` for that in the costs."""
    side = 2 * search_range // stride + 1
    batch, height, width, channels = ops.shape(first)
    upstream = upstream / first.shape[-1]
    padded_second, padded_first = _pad(second, search_range), _pad(first, search_range)
    padded_upstream = _pad(upstream, search_range)

    def add_displacement(k: Tensor, sums: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        top, left = k // side * stride, k % side * stride
        frame = (batch, height, width)
        ahead = ops.slice(padded_second, (0, top, left, 0), (*frame, channels))
        to_first = ops.slice(upstream, (0, 0, 0, k), (*frame, 1)) * ahead
        # What a pixel of `second` gets comes from the pixel of `first` on its other side.
        top, left = 2 * search_range - top, 2 * search_range - left
        behind = ops.slice(padded_first, (0, top, left, 0), (*frame, channels))
        to_second = ops.slice(padded_upstream, (0, top, left, k), (*frame, 1)) * behind
        return sums[0] + to_first, sums[1] + to_second

    zeros = (ops.zeros_like(first), ops.zeros_like(second))
    return ops.fori_loop(0, side * side, add_displacement, zeros)


def _pad(maps: Tensor, margin: int) -> Tensor:
    return ops.pad(maps, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
