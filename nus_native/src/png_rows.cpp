#include "png_rows.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace roadseg {

namespace {

// Rows begin behind a pixel of zeros, which is what lies left of them, and may be written four
// bytes at a time.
constexpr std::size_t kBefore = 4, kAfter = 16;

template <unsigned kChannels>
void sub(const std::uint8_t* in, std::size_t count, std::uint8_t* row) {
  for (std::size_t i = 0; i < count; ++i) {
    row[i] = static_cast<std::uint8_t>(in[i] + row[static_cast<std::ptrdiff_t>(i) - kChannels]);
  }
}

void up(const std::uint8_t* in, std::size_t count, const std::uint8_t* above, std::uint8_t* row) {
  for (std::size_t i = 0; i < count; ++i) row[i] = static_cast<std::uint8_t>(in[i] + above[i]);
}

template <unsigned kChannels>
void average(const std::uint8_t* in, std::size_t count, const std::uint8_t* above,
             std::uint8_t* row) {
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned left = row[static_cast<std::ptrdiff_t>(i) - kChannels];
    row[i] = static_cast<std::uint8_t>(in[i] + ((left + above[i]) >> 1));
  }
}

inline std::uint8_t nearest_of(int left, int above, int corner) {
  const int to_left = std::abs(above - corner), to_above = std::abs(left - corner);
  const int to_corner = std::abs(left + above - 2 * corner);
  const int rest = to_above <= to_corner ? above : corner;
  return static_cast<std::uint8_t>(to_left <= to_above && to_left <= to_corner ? left : rest);
}

template <unsigned kChannels>
void paeth(const std::uint8_t* in, std::size_t count, const std::uint8_t* above,
           std::uint8_t* row) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto left = static_cast<std::ptrdiff_t>(i) - kChannels;
    row[i] = static_cast<std::uint8_t>(in[i] + nearest_of(row[left], above[i], above[left]));
  }
}

#if defined(__SSE2__)

inline __m128i load_pixel(const std::uint8_t* at) {
  std::int32_t four;
  std::memcpy(&four, at, 4);
  return _mm_unpacklo_epi8(_mm_cvtsi32_si128(four), _mm_setzero_si128());
}

inline __m128i magnitude(__m128i x) {
  return _mm_max_epi16(x, _mm_sub_epi16(_mm_setzero_si128(), x));
}

inline __m128i choose(__m128i mask, __m128i yes, __m128i no) {
  return _mm_or_si128(_mm_and_si128(mask, yes), _mm_andnot_si128(mask, no));
}

// Three channels side by side: a pixel has to wait for its left one, its channels for nothing.
template <>
void paeth<3>(const std::uint8_t* in, std::size_t count, const std::uint8_t* above,
              std::uint8_t* row) {
  __m128i left = _mm_setzero_si128(), corner = _mm_setzero_si128();
  std::size_t i = 0;
  for (; i + 4 <= count; i += 3) {
    const __m128i over = load_pixel(above + i), given = load_pixel(in + i);
    const __m128i p = _mm_sub_epi16(over, corner), q = _mm_sub_epi16(left, corner);
    const __m128i to_left = magnitude(p), to_above = magnitude(q);
    const __m128i to_corner = magnitude(_mm_add_epi16(p, q));
    const __m128i least = _mm_min_epi16(to_corner, _mm_min_epi16(to_left, to_above));
    const __m128i rest = choose(_mm_cmpeq_epi16(least, to_above), over, corner);
    const __m128i chosen = choose(_mm_cmpeq_epi16(least, to_left), left, rest);
    // Bytes wrap in the lower half of each lane; the upper halves stay zero.
    left = _mm_add_epi8(given, chosen);
    corner = over;
    const int four = _mm_cvtsi128_si32(_mm_packus_epi16(left, left));
    std::memcpy(row + i, &four, 4);
  }
  for (; i < count; ++i) {
    const auto before = static_cast<std::ptrdiff_t>(i) - 3;
    row[i] = static_cast<std::uint8_t>(in[i] + nearest_of(row[before], above[i], above[before]));
  }
}

#endif

template <unsigned kChannels>
bool undo(const std::uint8_t* raw, std::size_t row_bytes, const Part& part, std::uint8_t* out) {
  const std::size_t count = part.right * kChannels, skipped = part.left * kChannels;
  std::vector<std::uint8_t> rows[2];
  for (auto& row : rows) row.assign(kBefore + count + kAfter, 0);
  for (std::size_t number = 0; number < part.last; ++number) {
    const std::uint8_t* in = raw + number * (row_bytes + 1);
    const std::uint8_t* above = rows[(number + 1) % 2].data() + kBefore;
    std::uint8_t* row = rows[number % 2].data() + kBefore;
    switch (*in++) {
      case 0: std::copy_n(in, count, row); break;
      case 1: sub<kChannels>(in, count, row); break;
      case 2: up(in, count, above, row); break;
      case 3: average<kChannels>(in, count, above, row); break;
      case 4: paeth<kChannels>(in, count, above, row); break;
      default: return false;
    }
    if (number >= part.first) out = std::copy_n(row + skipped, count - skipped, out);
  }
  return true;
}

}  // namespace

bool undo_filters(const std::uint8_t* raw, std::size_t row_bytes, unsigned channels,
                  const Part& part, std::uint8_t* out) {
  return channels == 3 ? undo<3>(raw, row_bytes, part, out) : undo<1>(raw, row_bytes, part, out);
}

}  // namespace roadseg
