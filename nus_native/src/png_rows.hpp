// Undoes the filters of PNG rows, no further than a part of the image needs it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roadseg {

// Part of an image: rows first .. last and columns left .. right, both without their end.
struct Part {
  std::size_t first, last, left, right;
};

// Writes the pixels of `part`, (last - first, right - left, channels), to out.
// raw: inflated rows, each a byte that names its filter and row_bytes bytes; at least `last` rows.
// channels: bytes a pixel, 1 or 3. right * channels is at most row_bytes.
// Columns beyond `right` are never looked at: no pixel depends on one to its right.
// Returns false for a filter that there is none of.
bool undo_filters(const std::uint8_t* raw, std::size_t row_bytes, unsigned channels,
                  const Part& part, std::uint8_t* out);

}  // namespace roadseg
