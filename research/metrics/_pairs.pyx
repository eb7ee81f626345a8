# distutils: language = c++
# cython: language_level=3, boundscheck=False, wraparound=False
"""Door to the C++ that counts pairs of labels and predictions; the caller checks the arrays."""

from libc.stdint cimport int32_t, int64_t, uint8_t

import numpy as np


cdef extern from "pairs.hpp" namespace "roadseg" nogil:
    const unsigned kMostClasses
    void c_count_pairs "roadseg::count_pairs"[Label, Prediction](
        const Label*, const Prediction*, size_t, unsigned, int64_t*
    ) except +


ctypedef fused label_type:
    uint8_t
    int32_t
    int64_t

ctypedef fused prediction_type:
    uint8_t
    int32_t
    int64_t


MOST_CLASSES = kMostClasses


def count_pairs(
    const label_type[::1] labels, const prediction_type[::1] predictions, unsigned num_classes
):
    """Return int64 counts (num_classes + 1, num_classes + 1) of two arrays of one length."""
    found = np.zeros((num_classes + 1, num_classes + 1), np.int64)
    cdef int64_t[:, ::1] counts = found
    cdef size_t pixels = labels.shape[0]
    if pixels:
        with nogil:
            c_count_pairs(&labels[0], &predictions[0], pixels, num_classes, &counts[0, 0])
    return found
