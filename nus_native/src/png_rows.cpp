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

inline __m128i paeth_step(__m128i given, __m128i left, __m128i above, __m128i corner) {
  const __m128i p = _mm_sub_epi16(above, corner), q = _mm_sub_epi16(left, corner);
  const __m128i to_left = magnitude(p), to_above = magnitude(q);
  const __m128i to_corner = magnitude(_mm_add_epi16(p, q));
  const __m128i least = _mm_min_epi16(to_corner, _mm_min_epi16(to_left, to_above));
  const __m128i rest = choose(_mm_cmpeq_epi16(least, to_above), above, corner);
  // Bytes wrap in the lower half of each lane; the upper halves stay zero.
  return _mm_add_epi8(given, choose(_mm_cmpeq_epi16(least, to_left), left, rest));
}

// The last pixel of a row has no fourth byte behind it.
inline __m128i load_last(const std::uint8_t* at) {
  const std::uint8_t four[4] = {at[0], at[1], at[2], 0};
  return load_pixel(four);
}

// Two rows of three channels, the second a pixel behind the first, in the two halves of a register:
// a pixel has to wait for its left one, so two rows take hardly longer than one.
// Writes a byte beyond each row.
void paeth_pair(const std::uint8_t* in, const std::uint8_t* next_in, std::size_t pixels,
                const std::uint8_t* above_row, std::uint8_t* row, std::uint8_t* next_row) {
  __m128i left = _mm_setzero_si128(), corner = left, over = load_pixel(above_row);
  for (std::size_t x = 0; x <= pixels; ++x) {
    const bool inner = x + 1 < pixels;
    const __m128i first =
        inner ? load_pixel(in + 3 * x) : x < pixels ? load_last(in + 3 * x) : _mm_setzero_si128();
    const __m128i second = x == 0 ? _mm_setzero_si128()
                           : x < pixels ? load_pixel(next_in + 3 * (x - 1))
                                        : load_last(next_in + 3 * (x - 1));
    const __m128i found = paeth_step(_mm_unpacklo_epi64(first, second), left, over, corner);
    const __m128i bytes = _mm_packus_epi16(found, found);
    const int of_first = _mm_cvtsi128_si32(bytes);
    const int of_second = _mm_cvtsi128_si32(_mm_srli_si128(bytes, 4));
    if (x < pixels) std::memcpy(row + 3 * x, &of_first, 4);
    if (x > 0) std::memcpy(next_row + 3 * (x - 1), &of_second, 4);
    left = found;
    corner = over;
    // Above the second row lies what the first has just become.
    over = _mm_unpacklo_epi64(load_pixel(above_row + 3 * (inner ? x + 1 : x)), found);
  }
}

#else

void paeth_pair(const std::uint8_t* in, const std::uint8_t* next_in, std::size_t pixels,
                const std::uint8_t* above_row, std::uint8_t* row, std::uint8_t* next_row) {
  paeth<3>(in, 3 * pixels, above_row, row);
  paeth<3>(next_in, 3 * pixels, row, next_row);
}

#endif

template <unsigned kChannels>
bool undo(const std::uint8_t* raw, std::size_t row_bytes, const Part& part, std::uint8_t* out) {
  const std::size_t count = part.right * kChannels, skipped = part.left * kChannels;
  std::vector<std::uint8_t> rows[3];
  for (auto& row : rows) row.assign(kBefore + count + kAfter, 0);
  const auto given = [&](std::size_t number) { return raw + number * (row_bytes + 1); };
  const auto made = [&](std::size_t number) { return rows[number % 3].data() + kBefore; };
  const auto keep = [&](std::size_t number) {
    if (number >= part.first) out = std::copy_n(made(number) + skipped, count - skipped, out);
  };
  for (std::size_t number = 0; number < part.last; ++number) {
    const std::uint8_t* in = given(number) + 1;
    const std::uint8_t* above = made(number + 2);
    std::uint8_t* row = made(number);
    switch (given(number)[0]) {
      case 0: std::copy_n(in, count, row); break;
      case 1: sub<kChannels>(in, count, row); break;
      case 2: up(in, count, above, row); break;
      case 3: average<kChannels>(in, count, above, row); break;
      case 4:
        if (kChannels == 3 && number + 1 < part.last && given(number + 1)[0] == 4) {
          paeth_pair(in, given(number + 1) + 1, part.right, above, row, made(number + 1));
          keep(number++);
        } else {
          paeth<kChannels>(in, count, above, row);
        }
        break;
      default: return false;
    }
    keep(number);
  }
  return true;
}

}  // namespace

bool undo_filters(const std::uint8_t* raw, std::size_t row_bytes, unsigned channels,
                  const Part& part, std::uint8_t* out) {
  return channels == 3 ? undo<3>(raw, row_bytes, part, out) : undo<1>(raw, row_bytes, part, out);
}

}  // namespace roadseg
