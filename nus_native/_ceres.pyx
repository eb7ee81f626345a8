# distutils: language = c++
# cython: language_level=3, boundscheck=False, wraparound=False
"""Door to the C++ that states the sampling energy to Ceres Solver."""

from libcpp.string cimport string

import numpy as np


cdef extern from "ceres_problem.hpp" namespace "roadseg" nogil:
    string solve_with_ceres(
        const double*, size_t, size_t, double, double, double, double*
    ) except +


def solve(const double[:, :, ::1] nearest, double data, double pair, double tolerance):
    """Return the float64 grid (height, width, 2) that Ceres finds for `nearest`.

    tolerance: 0 keeps Ceres's defaults. Raises RuntimeError if Ceres gives no usable solution.
    """
    cdef size_t height = nearest.shape[0], width = nearest.shape[1]
    grid = np.empty((height, width, 2), np.float64)
    cdef double[:, :, ::1] out = grid
    cdef string failure
    with nogil:
        failure = solve_with_ceres(
            &nearest[0, 0, 0], height, width, data, pair, tolerance, &out[0, 0, 0]
        )
    if not failure.empty():
        raise RuntimeError(failure.decode("utf-8", "replace"))
    return grid
