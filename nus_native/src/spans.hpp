// The inner loops of the mesh: scores along one row of pixels inside one triangle.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roadseg {

// Write the scores of `count` pixels in a row, (count, channels).
//
// ends: (2, channels), the scores at the first and at the last pixel; linear between them.
void blend_span(const double* ends, std::size_t channels, std::size_t count, float* out);
void blend_span(const double* ends, std::size_t channels, std::size_t count, double* out);

// Raise best[k] and set label[k] where `channel`, linear from `first` to `last`, beats best[k].
void take_better(double first, double last, std::int32_t channel, std::size_t count, double* best,
                 std::int32_t* label);

// Set beaten[c] where channel c scores less than channel `winner` at all three corners.
void mark_beaten(const float* const corners[3], std::size_t channels, std::size_t winner,
                 std::uint8_t* beaten);
void mark_beaten(const double* const corners[3], std::size_t channels, std::size_t winner,
                 std::uint8_t* beaten);

}  // namespace roadseg
