"""From a density to a sampling grid in nodes of ONNX: `sampling.equidistribution` as products.

Differences and the inverse Laplacian share their cosines, so a step is a product forth and one
back: a potential is never written down, what is kept are its differences.
"""

from typing import Any

import numpy as np

from roadseg.export.graphs.graph import Graph, Shape, Value
from roadseg.export.graphs.sizes import CHANNELS, SPATIAL, resize
from roadseg.sampling.equidistribution import (
    LEAST_DETERMINANT,
    MOST,
    Equidistribution,
    points_of,
)
from roadseg.sampling.folds import PARTS

Sides = tuple[int, int]
DIFFERENCES = 5
"""What is kept of a potential: its slopes along rows and columns, by which points have moved, both
second differences, and the mixed one."""


def solved_grid(graph: Graph, logits: Value, layer: Equidistribution) -> tuple[str, Shape]:
    """Return the grid that `layer` finds for the softmax of `logits`, (batch, 2, *points), 0..1,
    and the shape that Keras gives it.

    logits: (batch, 1, rows, columns) inside, of a known size. Channel 0 of the grid is the row.
    Another order of additions than in Keras: grids agree to rounding.
    """
    rows, columns = known_sides(logits)
    points = layer.points or points_of((rows, columns))
    # Keras's steps to a mean of 1 do nothing to a softmax but multiply it by the cells.
    flat = graph.node("Reshape", [logits.name, graph.integers(0, 1, 1, rows * columns)])
    density = graph.node("Softmax", [flat], axis=3)
    density = graph.node("Reshape", [density, graph.integers(0, 1, rows, columns)])
    mass = graph.affine(density, layer.strength * rows * columns, 1 - layer.strength, 1)
    fine = (rows * layer.fineness, columns * layer.fineness)
    shape = (logits.shape[0], rows, columns, 1)
    mass = _cut(graph, resize(graph, Value(mass, shape), fine, "", "half_pixel"))
    found = Value(mass, (None, *fine, 1))
    moved = _equidistributed(graph, found, points, layer.iterations, layer.damping)
    grid = graph.affine(_without_folds(graph, moved, points), 0.5, 0.5, 2)
    return grid, (logits.shape[0], *points, 2)


def known_sides(x: Value) -> Sides:
    """Return height and width of a map that is of one size whatever the image."""
    height, width = x.shape[1:3]
    assert height is not None and width is not None
    return height, width


def _equidistributed(
    graph: Graph, mass: Value, points: Sides, iterations: int, damping: float
) -> str:
    """Return where the points have moved, (batch, 2, *points), -1..1: see `solve`."""
    forward, back = _products(points, damping)
    # So that a row is the first of two coordinates, as everywhere: ONNX looks up (x, y).
    turned = graph.node("Transpose", [mass.name], perm=(0, 1, 3, 2))

    def way(looked: str, scale: str | None) -> str:
        """Return the next step, of what is kept of the potential; `scale`: how much of it."""
        # Constants are no error: their coefficient is multiplied by zero.
        residual = _multiplied(graph, graph.node("Log", [looked]), forward[:2])
        step = graph.node("Mul", [residual, graph.constant(forward[2])])
        step = step if scale is None else graph.node("Mul", [step, scale])
        return _multiplied(graph, step, back)

    half, nothing = graph.constant(0.5), graph.constant(0)
    axes = graph.integers(CHANNELS, *SPATIAL)
    found = graph.constant(_at_rest(points))
    scale = graph.constant(np.ones((1, 1, 1, 1)))
    step = way(_multiplied(graph, mass.name, _between(known_sides(mass), points)), None)
    for done in range(1, iterations + 1):
        further = graph.node("Add", [found, step])
        names = graph.node("Split", [further, graph.integers(2, 1, 1, 1)], 4, axis=CHANNELS)
        determinant = _determinant(graph, *names[1:])
        least = graph.node("ReduceMin", [determinant, axes])
        sound = graph.node("Greater", [least, nothing])
        found = graph.node("Where", [sound, further, found])
        if done < iterations:
            scale = graph.node("Where", [sound, scale, graph.node("Mul", [scale, half])])
            cell = graph.node("Max", [determinant, graph.constant(LEAST_DETERMINANT)])
            looked = graph.node("Mul", [cell, _looked_up(graph, turned, names[0])])
            shorter = graph.node("Mul", [step, half])
            step = graph.node("Where", [sound, way(looked, scale), shorter])
    lengths = graph.integers(2, DIFFERENCES - 2)
    return str(graph.node("Split", [found, lengths], 2, axis=CHANNELS)[0])


def _cut(graph: Graph, mass: str) -> str:
    """Return a mass without what is above `MOST` times its mean, as `Equidistribution.mass`."""
    for _ in range(2):
        mean = graph.node("ReduceMean", [mass, graph.integers(*SPATIAL)])
        mass = graph.node("Min", [mass, graph.node("Mul", [mean, graph.constant(MOST)])])
    return mass


def _multiplied(graph: Graph, x: str, matrices: Any) -> str:
    """Return the product with one matrix from the left and one from the right."""
    left, right = (graph.constant(matrix) for matrix in matrices)
    return str(graph.node("MatMul", [graph.node("MatMul", [left, x]), right]))


def _looked_up(graph: Graph, mass: str, grid: str) -> str:
    """Return the mass at points: bilinear, the nearest beyond the outermost centres of cells."""
    where = graph.node("Transpose", [grid], perm=(0, 2, 3, 1))
    options: dict[str, Any] = {"mode": "bilinear", "padding_mode": "border", "align_corners": 0}
    return str(graph.node("GridSample", [mass, where], **options))


def _determinant(graph: Graph, rows: str, columns: str, mixed: str) -> str:
    whole = graph.node("Mul", [rows, columns])
    return str(graph.node("Sub", [whole, graph.node("Mul", [mixed, mixed])]))


def _at_rest(points: Sides) -> np.ndarray:
    """Return what is kept of a potential of zero, (1, DIFFERENCES, *points): the uniform grid."""
    found = np.zeros((1, DIFFERENCES, *points))
    found[0, :2] = uniform(points)
    found[0, 2:4] = 1
    return found


def uniform(points: Sides) -> np.ndarray:
    """Return the uniform grid, (2, *points), -1..1."""
    return np.stack(np.meshgrid(*(np.linspace(-1, 1, side) for side in points), indexing="ij"))


def _between(cells: Sides, points: Sides) -> tuple[np.ndarray, np.ndarray]:
    """Return the two matrices that look up a map of `cells` at the uniform grid."""
    rows, columns = (_interpolating(*pair) for pair in zip(cells, points, strict=True))
    return rows[None, None], columns.T[None, None]


def _interpolating(cells: int, points: int) -> np.ndarray:
    """Return (points, cells): how much of each cell counts at each of the points of a line."""
    place = np.clip(np.linspace(0, 1, points) * cells - 0.5, 0, cells - 1)
    return np.maximum(1 - np.abs(place[:, None] - np.arange(cells)), 0)


def _products(points: Sides, damping: float) -> tuple[Any, Any]:
    """Return the matrices of a step: values to coefficients, a factor for each of these; and
    coefficients to the DIFFERENCES of the potential.

    Slopes are doubled, since places are from -1 to 1.
    """
    cosines, slopes, bends, values = [], [], [], []
    for side in points:
        angle = np.pi * np.arange(side) / (side - 1)
        cosines.append(np.cos(np.outer(angle, np.arange(side))))
        step = np.eye(side, k=1) - np.eye(side, k=-1)
        # Reflected about the border points: no slope there, and twice the bend.
        step[0], step[-1] = 0, 0
        bend = np.eye(side, k=1) + np.eye(side, k=-1) - 2 * np.eye(side)
        bend[0, 1], bend[-1, -2] = 2, 2
        slopes.append(step * (side - 1) / 2 @ cosines[-1])
        bends.append(bend * (side - 1) ** 2 @ cosines[-1])
        values.append((2 - 2 * np.cos(angle)) * (side - 1) ** 2)
    total = values[0][:, None] + values[1]
    total[0, 0] = np.inf
    inverse = [np.linalg.inv(matrix) for matrix in cosines]
    forward = (inverse[0][None, None], inverse[1].T[None, None], damping / total[None, None])
    left = np.stack([2 * slopes[0], cosines[0], bends[0], cosines[0], slopes[0]])
    right = np.stack([cosines[1].T, 2 * slopes[1].T, cosines[1].T, bends[1].T, slopes[1].T])
    return forward, (left[None], right[None])


def projected(graph: Graph, grid: str, points: Sides, least: float) -> str:
    """Return a grid (batch, 2, *points) as `grid.project` has it, from `least` to 1."""
    inside, rim = np.ones((2, *points)), np.zeros((2, *points))
    for axis in range(2):
        for place, value in ((0, least), (-1, 1.0)):
            at = (axis, *(place if other == axis else slice(None) for other in range(2)))
            inside[at], rim[at] = 0, value
    grid = graph.node("Clip", [grid, graph.constant(least), graph.constant(1)])
    grid = graph.node("Mul", [grid, graph.constant(inside[None])])
    return str(graph.node("Add", [grid, graph.constant(rim[None])]))


def _without_folds(graph: Graph, moved: str, points: Sides) -> str:
    """Return a grid, -1..1, projected; the first of `PARTS` of the way if it folds, or none."""
    rest = graph.constant(uniform(points)[None])
    away = graph.node("Sub", [moved, rest])
    shorter = [
        graph.node("Add", [rest, graph.node("Mul", [away, graph.constant(part)])]) for part in PARTS
    ]
    count = 1 + len(PARTS)
    every = projected(graph, graph.node("Concat", [moved, *shorter], axis=0), points, -1)
    # Of each cell: what is multiplied in the area of its four corners.
    edges = graph.node("Conv", [every, graph.constant(_edges())], group=1, kernel_shape=(2, 2))
    parts = graph.node("Split", [edges, graph.integers(4, 4, 4, 4)], 4, axis=CHANNELS)
    areas = [graph.node("Mul", parts[:2]), graph.node("Mul", parts[2:])]
    axes = graph.integers(CHANNELS, *SPATIAL)
    least = graph.node("ReduceMin", [graph.node("Sub", areas), axes])
    sound = graph.node("Greater", [least, graph.constant(0)])
    grids, holds = (
        graph.node("Split", [x], count, axis=0, num_outputs=count) for x in (every, sound)
    )
    found = rest
    for grid, hold in reversed(list(zip(grids, holds, strict=True))):
        found = graph.node("Where", [hold, grid, found])
    return str(found)


def _edges() -> np.ndarray:
    """Return the kernel (16, 2, 2, 2) of `smallest_corner`: along the four corners of a cell, rows
    of the edge down, columns of the one along, columns of the former and rows of the latter.
    """
    down = np.zeros((2, 2, 2))
    along = np.zeros((2, 2, 2))
    for side in range(2):
        # From the upper to the lower point on the left or right; from left to right.
        down[side, 0, side], down[side, 1, side] = -1, 1
        along[side, side, 0], along[side, side, 1] = -1, 1
    corners = [(left_or_right, end) for left_or_right in down for end in along]
    kernel = np.zeros((16, 2, 2, 2))
    for number, (first, second) in enumerate(corners):
        for place, (edge, coordinate) in enumerate(
            ((first, 0), (second, 1), (first, 1), (second, 0))
        ):
            kernel[4 * place + number, coordinate] = edge
    return kernel
