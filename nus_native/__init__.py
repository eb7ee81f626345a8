"""Label maps to sampling targets, and grid samples back to pixels, in C++ without the GIL.

    >>> from roadseg import nus_native
    >>> grid_yx01 = nus_native.boundary_targets(labels)             # (8, 8, 2), rows then columns
    >>> labels = nus_native.interpolate(scores, grid_yx01, (1024, 2048), argmax=True)

Source: Marin et al. 2019 (arXiv:1907.07156), Eq. 2, and the code published with it. That code's
quirks are options here; the defaults repair them.
"""

from roadseg.nus_native.density import boundary_density
from roadseg.nus_native.mesh import interpolate
from roadseg.nus_native.solvers import energy, has_ceres, solve_grid
from roadseg.nus_native.targets import boundary_targets, edge_map, nearest_edges, uniform_grid

__all__ = [
    "boundary_density",
    "boundary_targets",
    "edge_map",
    "energy",
    "has_ceres",
    "interpolate",
    "nearest_edges",
    "solve_grid",
    "uniform_grid",
]
