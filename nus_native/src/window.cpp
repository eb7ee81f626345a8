#include "window.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "parallel.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace roadseg {

namespace {

constexpr std::size_t kChannels = 3;

struct Place {
  std::int64_t numerator, denominator;
};

Place place_of(const Axis& axis, std::int64_t index) {
  switch (axis.corners) {
    case Corners::kHalfPixel: {
      const std::int64_t highest = 2 * axis.target * (axis.source - 1);
      const std::int64_t at = (2 * index + 1) * axis.source - axis.target;
      return {std::clamp<std::int64_t>(at, 0, highest), 2 * axis.target};
    }
    case Corners::kAligned:
      return {index * (axis.source - 1), std::max<std::int64_t>(axis.target - 1, 1)};
    default:
      return {index * axis.source, axis.target};
  }
}

std::int64_t nearest_of(const Axis& axis, std::int64_t index) {
  if (axis.corners == Corners::kHalfPixel) {
    return (2 * index + 1) * axis.source / (2 * axis.target);
  }
  const Place place = place_of(axis, index);
  if (axis.corners == Corners::kAligned) {
    return (2 * place.numerator + place.denominator) / (2 * place.denominator);
  }
  return place.numerator / place.denominator;
}

std::int64_t lower_of(const Axis& axis, std::int64_t index) {
  const Place place = place_of(axis, index);
  return place.numerator / place.denominator;
}

std::int64_t upper_of(const Axis& axis, std::int64_t index) {
  return std::min(lower_of(axis, index) + 1, axis.source - 1);
}

// Between which samples each wanted one lies, counted in what is held, and how far it is along.
struct Blend {
  std::vector<std::int64_t> lower, upper;
  std::vector<float> weight;

  Blend(const Axis& axis, bool flipped) {
    for (std::int64_t i = axis.begin; i < axis.end; ++i) {
      const std::int64_t index = flipped ? axis.end - 1 - (i - axis.begin) : i;
      const Place place = place_of(axis, index);
      lower.push_back(lower_of(axis, index) - axis.origin);
      upper.push_back(upper_of(axis, index) - axis.origin);
      weight.push_back(static_cast<float>(place.numerator % place.denominator) /
                       static_cast<float>(place.denominator));
    }
  }
};

#if defined(__SSE2__)

inline __m128 load_pixel(const std::uint8_t* at) {
  const std::uint32_t bytes = at[0] | at[1] << 8 | at[2] << 16;
  const __m128i none = _mm_setzero_si128();
  const __m128i wide = _mm_unpacklo_epi8(_mm_cvtsi32_si128(static_cast<int>(bytes)), none);
  return _mm_cvtepi32_ps(_mm_unpacklo_epi16(wide, none));
}

// Writes a number beyond the last pixel.
void blend_columns(const std::uint8_t* row, const Blend& columns, float* out) {
  for (std::size_t i = 0; i < columns.weight.size(); ++i, out += kChannels) {
    const __m128 below = load_pixel(row + kChannels * columns.lower[i]);
    const __m128 above = load_pixel(row + kChannels * columns.upper[i]);
    const __m128 part = _mm_mul_ps(_mm_sub_ps(above, below), _mm_set1_ps(columns.weight[i]));
    _mm_storeu_ps(out, _mm_add_ps(below, part));
  }
}

#else

void blend_columns(const std::uint8_t* row, const Blend& columns, float* out) {
  for (std::size_t i = 0; i < columns.weight.size(); ++i) {
    const std::uint8_t* below = row + kChannels * columns.lower[i];
    const std::uint8_t* above = row + kChannels * columns.upper[i];
    for (std::size_t c = 0; c < kChannels; ++c) {
      const auto first = static_cast<float>(below[c]), second = static_cast<float>(above[c]);
      *out++ = first + (second - first) * columns.weight[i];
    }
  }
}

#endif

ROADSEG_CLONES
void blend_rows(const float* below, const float* above, float weight, std::size_t count,
                std::uint8_t* out) {
  // Adding 1.5 * 2^23 leaves the value, rounded half to even, in the lowest bits.
  constexpr float kRound = 12582912.0f;
  for (std::size_t i = 0; i < count; ++i) {
    const float value = below[i] + (above[i] - below[i]) * weight + kRound;
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    out[i] = static_cast<std::uint8_t>(bits);
  }
}

}  // namespace

void bilinear_reach(const Axis& axis, std::int64_t* low, std::int64_t* high) {
  *low = lower_of(axis, axis.begin);
  *high = upper_of(axis, axis.end - 1);
}

void nearest_reach(const Axis& axis, std::int64_t* low, std::int64_t* high) {
  *low = nearest_of(axis, axis.begin);
  *high = nearest_of(axis, axis.end - 1);
}

void bilinear_window(const std::uint8_t* in, const Axis& rows, const Axis& columns, bool flipped,
                     std::uint8_t* out, std::size_t out_row_bytes) {
  const Blend down(rows, false), across(columns, flipped);
  const std::size_t count = kChannels * across.weight.size();
  // Two rows of the source, blended along the columns: neighbours of the output share them.
  std::vector<float> kept[2] = {std::vector<float>(count + 1), std::vector<float>(count + 1)};
  std::int64_t held[2] = {-1, -1};
  const auto blended = [&](std::int64_t number, std::int64_t other) {
    for (int slot = 0; slot < 2; ++slot) {
      if (held[slot] == number) return slot;
    }
    const int slot = held[0] == other ? 1 : 0;
    const std::size_t row_bytes = kChannels * static_cast<std::size_t>(columns.held);
    blend_columns(in + static_cast<std::size_t>(number) * row_bytes, across, kept[slot].data());
    held[slot] = number;
    return slot;
  };
  for (std::size_t i = 0; i < down.weight.size(); ++i, out += out_row_bytes) {
    const int below = blended(down.lower[i], down.upper[i]);
    const int above = blended(down.upper[i], down.lower[i]);
    blend_rows(kept[below].data(), kept[above].data(), down.weight[i], count, out);
  }
}

void nearest_window(const std::uint8_t* in, const Axis& rows, const Axis& columns, bool flipped,
                    std::uint8_t* out, std::size_t out_row_bytes) {
  std::vector<std::int64_t> across;
  for (std::int64_t i = columns.begin; i < columns.end; ++i) {
    const std::int64_t index = flipped ? columns.end - 1 - (i - columns.begin) : i;
    across.push_back(nearest_of(columns, index) - columns.origin);
  }
  for (std::int64_t i = rows.begin; i < rows.end; ++i, out += out_row_bytes) {
    const std::uint8_t* row = in + (nearest_of(rows, i) - rows.origin) * columns.held;
    for (std::size_t j = 0; j < across.size(); ++j) out[j] = row[across[j]];
  }
}

}  // namespace roadseg
