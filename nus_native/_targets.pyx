# distutils: language = c++
# cython: language_level=3, boundscheck=False, wraparound=False
"""Doors to the C++ of the sampling targets. Arrays are checked by the callers in this package."""

from libc.stdint cimport int32_t, uint8_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

import numpy as np


cdef extern from "edges.hpp" namespace "roadseg" nogil:
    cdef cppclass Wanted:
        Wanted(cbool, const int32_t*, size_t, cbool, int32_t) except +


cdef extern from "nearest.hpp" namespace "roadseg" nogil:
    cdef cppclass LabelMaps[Label]:
        const Label* labels
        size_t batch
        size_t height
        size_t width
    void c_edge_maps "roadseg::edge_maps"[Label](
        const LabelMaps[Label]&, const Wanted&, unsigned, uint8_t*
    ) except +
    void c_nearest_edges "roadseg::nearest_edges"[Label](
        const LabelMaps[Label]&,
        const Wanted&,
        const vector[int32_t]&,
        const vector[int32_t]&,
        unsigned,
        int32_t*,
    ) except +


cdef extern from "density.hpp" namespace "roadseg" nogil:
    cdef cppclass PairWeights:
        const float* table
        size_t classes
    void c_boundary_density "roadseg::boundary_density"[Label](
        const LabelMaps[Label]&, const Wanted&, const PairWeights&, size_t, size_t, unsigned, double*
    ) except +


cdef extern from "direct.hpp" namespace "roadseg" nogil:
    void solve_grids(
        const double*, size_t, size_t, size_t, double, double, unsigned, double*
    ) except +


ctypedef fused label_type:
    uint8_t
    int32_t


cdef Wanted* make_wanted(target_classes, ignore) except NULL:
    cdef vector[int32_t] targets
    if target_classes is not None:
        targets = sorted(target_classes)
    return new Wanted(
        target_classes is not None,
        targets.data(),
        targets.size(),
        ignore is not None,
        0 if ignore is None else ignore,
    )


def edge_maps(const label_type[:, :, ::1] labels, target_classes, ignore, unsigned threads):
    """Return the uint8 edge maps (batch, height, width) of `labels`, 1 on an edge."""
    cdef LabelMaps[label_type] maps
    maps.batch, maps.height, maps.width = labels.shape[0], labels.shape[1], labels.shape[2]
    maps.labels = &labels[0, 0, 0]
    edges = np.empty((maps.batch, maps.height, maps.width), np.uint8)
    cdef uint8_t[:, :, ::1] out = edges
    cdef Wanted* wanted = make_wanted(target_classes, ignore)
    try:
        with nogil:
            c_edge_maps(maps, wanted[0], threads, &out[0, 0, 0])
    finally:
        del wanted
    return edges


def nearest_edges(
    const label_type[:, :, ::1] labels, rows, columns, target_classes, ignore, unsigned threads
):
    """Return the int32 (batch, rows, columns, 2) edge pixels nearest to (rows[i], columns[j]).

    Row and column are -1 throughout a map that has no edge.
    """
    cdef LabelMaps[label_type] maps
    maps.batch, maps.height, maps.width = labels.shape[0], labels.shape[1], labels.shape[2]
    maps.labels = &labels[0, 0, 0]
    cdef vector[int32_t] asked_rows = rows
    cdef vector[int32_t] asked_columns = columns
    nearest = np.empty((maps.batch, asked_rows.size(), asked_columns.size(), 2), np.int32)
    cdef int32_t[:, :, :, ::1] out = nearest
    cdef Wanted* wanted = make_wanted(target_classes, ignore)
    try:
        with nogil:
            c_nearest_edges(
                maps, wanted[0], asked_rows, asked_columns, threads, &out[0, 0, 0, 0]
            )
    finally:
        del wanted
    return nearest


def boundary_density(
    const label_type[:, :, ::1] labels,
    size_t rows,
    size_t columns,
    target_classes,
    ignore,
    const float[:, ::1] weights,
    unsigned threads,
):
    """Return the float64 (batch, rows, columns) weight of boundary pixels in each cell.

    weights: (classes, classes + 1), or (0, 1) to count every boundary pixel as 1.
    """
    cdef LabelMaps[label_type] maps
    maps.batch, maps.height, maps.width = labels.shape[0], labels.shape[1], labels.shape[2]
    maps.labels = &labels[0, 0, 0]
    cdef PairWeights pairs
    pairs.classes = weights.shape[0]
    pairs.table = &weights[0, 0] if weights.shape[0] else NULL
    density = np.empty((maps.batch, rows, columns), np.float64)
    cdef double[:, :, ::1] out = density
    cdef Wanted* wanted = make_wanted(target_classes, ignore)
    try:
        with nogil:
            c_boundary_density(maps, wanted[0], pairs, rows, columns, threads, &out[0, 0, 0])
    finally:
        del wanted
    return density


def solve(const double[:, :, :, ::1] nearest, double data, double pair, unsigned threads):
    """Return the float64 grids (batch, height, width, 2) of least energy for `nearest`."""
    cdef size_t batch = nearest.shape[0], height = nearest.shape[1], width = nearest.shape[2]
    grids = np.empty((batch, height, width, 2), np.float64)
    cdef double[:, :, :, ::1] out = grids
    with nogil:
        solve_grids(
            &nearest[0, 0, 0, 0], batch, height, width, data, pair, threads, &out[0, 0, 0, 0]
        )
    return grids
