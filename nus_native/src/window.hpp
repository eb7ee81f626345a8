// Resizes a window of an image: what the whole image, resized, would show there.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roadseg {

// Where output row or column i is read: numerator / denominator, as in ops/resize.py.
enum class Corners { kAligned, kTop, kHalfPixel };

// One axis: `source` samples are resized to `target`, of which begin .. end are wanted.
// origin, held: only samples origin .. origin + held of the source are there; those needed are.
struct Axis {
  std::int64_t source, target, begin, end, origin, held;
  Corners corners;
};

// Samples that `axis` needs, lowest and highest.
void bilinear_reach(const Axis& axis, std::int64_t* low, std::int64_t* high);
void nearest_reach(const Axis& axis, std::int64_t* low, std::int64_t* high);

// Writes the window (rows, columns, 3), blended in float32 and rounded half to even, to out, whose
// rows are out_row_bytes apart. in: (rows.held, columns.held, 3). flipped: columns from right to
// left.
void bilinear_window(const std::uint8_t* in, const Axis& rows, const Axis& columns, bool flipped,
                     std::uint8_t* out, std::size_t out_row_bytes);

// The same of single bytes, of which the nearest is picked. in: (rows.held, columns.held).
void nearest_window(const std::uint8_t* in, const Axis& rows, const Axis& columns, bool flipped,
                    std::uint8_t* out, std::size_t out_row_bytes);

}  // namespace roadseg
