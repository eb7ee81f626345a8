#include "spans.hpp"

#include "parallel.hpp"

namespace roadseg {
namespace {

inline double step_of(std::size_t count) {
  return count > 1 ? 1.0 / static_cast<double>(count - 1) : 0.0;
}

template <class Score>
inline __attribute__((always_inline)) void blend(const double* ends, std::size_t channels,
                                                 std::size_t count, Score* __restrict out) {
  const double step = step_of(count);
  const double* last = ends + channels;
  for (std::size_t k = 0; k < count; ++k) {
    const double along = static_cast<double>(k) * step;
    for (std::size_t c = 0; c < channels; ++c) {
      out[k * channels + c] = static_cast<Score>(ends[c] + along * (last[c] - ends[c]));
    }
  }
}

template <class Score>
inline __attribute__((always_inline)) void beat(const Score* const corners[3], std::size_t channels,
                                                std::size_t winner, std::uint8_t* __restrict beaten) {
  const Score *a = corners[0], *b = corners[1], *c = corners[2];
  const Score wa = a[winner], wb = b[winner], wc = c[winner];
  for (std::size_t k = 0; k < channels; ++k) {
    beaten[k] = static_cast<std::uint8_t>(beaten[k] | ((a[k] < wa) & (b[k] < wb) & (c[k] < wc)));
  }
}

}  // namespace

ROADSEG_CLONES
void blend_span(const double* ends, std::size_t channels, std::size_t count, float* out) {
  blend(ends, channels, count, out);
}

ROADSEG_CLONES
void blend_span(const double* ends, std::size_t channels, std::size_t count, double* out) {
  blend(ends, channels, count, out);
}

ROADSEG_CLONES
void take_better(double first, double last, std::int32_t channel, std::size_t count,
                 double* __restrict best, std::int32_t* __restrict label) {
  const double step = step_of(count), rise = last - first;
  for (std::size_t k = 0; k < count; ++k) {
    const double value = first + static_cast<double>(static_cast<std::int32_t>(k)) * step * rise;
    const bool better = value > best[k];
    best[k] = better ? value : best[k];
    label[k] = better ? channel : label[k];
  }
}

ROADSEG_CLONES
void mark_beaten(const float* const corners[3], std::size_t channels, std::size_t winner,
                 std::uint8_t* beaten) {
  beat(corners, channels, winner, beaten);
}

ROADSEG_CLONES
void mark_beaten(const double* const corners[3], std::size_t channels, std::size_t winner,
                 std::uint8_t* beaten) {
  beat(corners, channels, winner, beaten);
}

}  // namespace roadseg
