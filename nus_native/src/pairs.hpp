// Counts how often each label meets each prediction.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roadseg {

constexpr unsigned kMostClasses = 255;

// Adds to counts (classes + 1, classes + 1), rows labels and columns predictions, one for each
// pixel. What is no class, 0 .. classes - 1, falls into the last row or column.
// Label and Prediction: std::uint8_t, std::int32_t or std::int64_t. classes: at most kMostClasses.
template <class Label, class Prediction>
void count_pairs(const Label* labels, const Prediction* predictions, std::size_t pixels,
                 unsigned classes, std::int64_t* counts);

}  // namespace roadseg
