// Fills pixels that no triangle covers, so that every output is finite and bounded.
#pragma once

#include <cstddef>
#include <vector>

namespace roadseg {

// Fill one row of `width` pixels, each hole from the nearest covered pixel (the left one of two
// equally near). Returns false, and fills nothing, if the whole row is a hole.
// covered(x) tells, copy(from, to) fills.
template <class Covered, class Copy>
bool fill_row(std::size_t width, const Covered& covered, const Copy& copy) {
  std::size_t left = width;  // the last covered pixel; width: none yet
  for (std::size_t x = 0; x < width; ++x) {
    if (covered(x)) {
      left = x;
      continue;
    }
    std::size_t right = x;
    while (right < width && !covered(right)) ++right;
    if (left == width && right == width) return false;
    for (std::size_t hole = x; hole < right; ++hole) {
      const bool from_left = left != width && (right == width || hole - left <= right - hole);
      copy(from_left ? left : right, hole);
    }
    if (right < width) left = right;
    x = right;
  }
  return true;
}

// Fill the rows without any covered pixel from the nearest row that has some (the upper one of two
// equally near). Returns false, and fills nothing, if there is none. copy(from, to) copies a row.
template <class Copy>
bool fill_empty_rows(const std::vector<bool>& filled, const Copy& copy) {
  const auto whole = [&](std::size_t y) -> bool { return filled[y]; };
  return fill_row(filled.size(), whole, copy);
}

}  // namespace roadseg
