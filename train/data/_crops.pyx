# distutils: language = c++
# cython: language_level=3, boundscheck=False, wraparound=False
"""Door to the C++ that cuts crops out of images; the caller, `crops.py`, checks every number."""

from libc.stdint cimport int64_t, uint8_t
from libcpp cimport bool as cbool

import numpy as np


cdef extern from "png_rows.hpp" namespace "roadseg" nogil:
    cdef cppclass Part:
        size_t first
        size_t last
        size_t left
        size_t right
    cbool c_undo_filters "roadseg::undo_filters"(
        const uint8_t*, size_t, unsigned, const Part&, uint8_t*
    ) except +


cdef extern from "window.hpp" namespace "roadseg" nogil:
    cdef enum class Corners:
        kAligned
        kTop
        kHalfPixel
    cdef cppclass Axis:
        int64_t source
        int64_t target
        int64_t begin
        int64_t end
        int64_t origin
        int64_t held
        Corners corners
    void bilinear_reach(const Axis&, int64_t*, int64_t*)
    void nearest_reach(const Axis&, int64_t*, int64_t*)
    void c_bilinear_window "roadseg::bilinear_window"(
        const uint8_t*, const Axis&, const Axis&, cbool, uint8_t*, size_t
    ) except +
    void c_nearest_window "roadseg::nearest_window"(
        const uint8_t*, const Axis&, const Axis&, cbool, uint8_t*, size_t
    ) except +


cdef Axis axis_of(numbers, str corners) except *:
    cdef Axis axis
    axis.source, axis.target, axis.begin, axis.end, axis.origin, axis.held = numbers
    axis.corners = {
        "aligned": Corners.kAligned, "top": Corners.kTop, "half_pixel": Corners.kHalfPixel
    }[corners]
    return axis


def undo_filters(
    const uint8_t[::1] raw, size_t row_bytes, unsigned channels, size_t first, size_t last,
    size_t left, size_t right
):
    """Return rows first..last and columns left..right of inflated PNG rows; None if damaged.

    raw holds `last` rows of 1 + row_bytes; 0 <= first < last, 0 <= left < right; channels 1 or 3.
    """
    found = np.empty((last - first, right - left, channels), np.uint8)
    cdef uint8_t[:, :, ::1] out = found
    cdef Part part
    part.first, part.last, part.left, part.right = first, last, left, right
    cdef cbool good
    with nogil:
        good = c_undo_filters(&raw[0], row_bytes, channels, part, &out[0, 0, 0])
    return found if good else None


def reach(numbers, str corners, bint nearest):
    """Return (lowest, highest) sample of the source that an axis needs.

    numbers: source, target, begin, end, and two that do not matter.
    """
    cdef Axis axis = axis_of(numbers, corners)
    cdef int64_t low = 0, high = 0
    if nearest:
        nearest_reach(axis, &low, &high)
    else:
        bilinear_reach(axis, &low, &high)
    return low, high


def bilinear_window(
    const uint8_t[:, :, ::1] image, rows, columns, str corners, bint flipped,
    uint8_t[:, :, ::1] out, size_t top, size_t left
):
    """Write a window of `image`, resized, into `out` (height, width, 3) from (top, left) on.

    rows, columns: source, target, begin, end, origin, held, as in `crops.py`.
    """
    cdef Axis down = axis_of(rows, corners), across = axis_of(columns, corners)
    cdef size_t row_bytes = 3 * out.shape[1]
    with nogil:
        c_bilinear_window(&image[0, 0, 0], down, across, flipped, &out[top, left, 0], row_bytes)


def nearest_window(
    const uint8_t[:, ::1] labels, rows, columns, str corners, bint flipped,
    uint8_t[:, ::1] out, size_t top, size_t left
):
    """Write a window of `labels`, resized by picking, into `out` from (top, left) on."""
    cdef Axis down = axis_of(rows, corners), across = axis_of(columns, corners)
    with nogil:
        c_nearest_window(&labels[0, 0], down, across, flipped, &out[top, left], out.shape[1])
