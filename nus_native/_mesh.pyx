# distutils: language = c++
# cython: language_level=3, boundscheck=False, wraparound=False
"""Doors to the C++ of the triangle mesh. Arrays are checked by the callers in this package."""

from libc.stdint cimport int32_t
from libcpp cimport bool as cbool

import numpy as np


cdef extern from "mesh.hpp" namespace "roadseg" nogil:
    cdef cppclass Samples[Score]:
        const Score* scores
        const double* positions
        size_t batch
        size_t rows
        size_t columns
        size_t channels
        cbool one_grid
        size_t height
        size_t width
    void c_fill_scores "roadseg::fill_scores"[Score](const Samples[Score]&, unsigned, Score*) except +
    void c_fill_labels "roadseg::fill_labels"[Score](
        const Samples[Score]&, unsigned, int32_t*
    ) except +


ctypedef fused score_type:
    float
    double


def interpolate(
    const score_type[:, :, :, ::1] scores,
    const double[:, :, :, ::1] positions,
    size_t height,
    size_t width,
    cbool argmax,
    unsigned threads,
):
    """Return scores (batch, height, width, channels), or with argmax int32 labels without channels.

    positions: (batch or 1, rows, columns, 2), the (row, column) of each sample in pixels.
    """
    cdef Samples[score_type] samples
    samples.scores = &scores[0, 0, 0, 0]
    samples.positions = &positions[0, 0, 0, 0]
    samples.batch, samples.rows = scores.shape[0], scores.shape[1]
    samples.columns, samples.channels = scores.shape[2], scores.shape[3]
    samples.one_grid = positions.shape[0] == 1
    samples.height, samples.width = height, width
    cdef int32_t[:, :, ::1] labels
    cdef score_type[:, :, :, ::1] filled
    if argmax:
        out = np.empty((samples.batch, height, width), np.int32)
        labels = out
        with nogil:
            c_fill_labels(samples, threads, &labels[0, 0, 0])
        return out
    out = np.empty(
        (samples.batch, height, width, samples.channels),
        np.float32 if score_type is float else np.float64,
    )
    filled = out
    with nogil:
        c_fill_scores(samples, threads, &filled[0, 0, 0, 0])
    return out
