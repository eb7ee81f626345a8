#include "edges.hpp"

#include <algorithm>
#include <cstring>

#include "parallel.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace roadseg {

Wanted::Wanted(bool has_targets, const std::int32_t* targets, std::size_t target_count,
               bool has_ignore, std::int32_t ignore)
    : targets_(targets, targets + target_count),
      has_targets_(has_targets),
      has_ignore_(has_ignore),
      ignore_(ignore) {
  for (std::int32_t label = 0; label < 256; ++label) small_[label] = contains(label);
}

bool Wanted::contains(std::int32_t label) const {
  if (has_ignore_ && label == ignore_) return false;
  return !has_targets_ || std::binary_search(targets_.begin(), targets_.end(), label);
}

namespace {

#if defined(__SSE2__)

inline std::uint64_t equal16(const std::uint8_t* a, const std::uint8_t* b) {
  const __m128i left = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a));
  const __m128i right = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(left, right)));
}

inline __m128i equal4(const std::int32_t* a, const std::int32_t* b) {
  return _mm_cmpeq_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a)),
                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
}

inline std::uint64_t equal16(const std::int32_t* a, const std::int32_t* b) {
  const __m128i low = _mm_packs_epi32(equal4(a, b), equal4(a + 4, b + 4));
  const __m128i high = _mm_packs_epi32(equal4(a + 8, b + 8), equal4(a + 12, b + 12));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
}

template <class Label>
inline std::uint64_t differ64(const Label* a, const Label* b) {
  return ~(equal16(a, b) | equal16(a + 16, b + 16) << 16 | equal16(a + 32, b + 32) << 32 |
           equal16(a + 48, b + 48) << 48);
}

#else

template <class Label>
inline std::uint64_t differ64(const Label* a, const Label* b) {
  std::uint64_t bits = 0;
  for (int i = 0; i < 64; ++i) bits |= static_cast<std::uint64_t>(a[i] != b[i]) << i;
  return bits;
}

#endif

// Set bit i of `bits` where a[i] != b[i], for i < count; the bits of the last word past it are 0.
template <class Label>
void differences(const Label* a, const Label* b, std::size_t count, std::uint64_t* bits) {
  const std::size_t whole = count / 64;
  for (std::size_t k = 0; k < whole; ++k) bits[k] = differ64(a + 64 * k, b + 64 * k);
  if (count % 64 == 0) return;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < count % 64; ++i) {
    last |= static_cast<std::uint64_t>(a[64 * whole + i] != b[64 * whole + i]) << i;
  }
  bits[whole] = last;
}

template <class Label>
std::uint64_t keep_wanted(std::uint64_t bits, const Label* labels, std::size_t count,
                          const Wanted& wanted) {
  std::uint64_t kept = 0;
  if (__builtin_popcountll(bits) > 24) {
    for (std::size_t i = 0; i < count; ++i) {
      kept |= static_cast<std::uint64_t>(wanted(labels[i])) << i;
    }
    return kept & bits;
  }
  for (; bits != 0; bits &= bits - 1) {
    const int i = __builtin_ctzll(bits);
    kept |= static_cast<std::uint64_t>(wanted(labels[i])) << i;
  }
  return kept;
}

}  // namespace

template <class Label>
EdgeRows<Label>::EdgeRows(const Label* labels, std::size_t height, std::size_t width,
                          const Wanted& wanted)
    : row_(labels),
      rows_left_(height),
      width_(width),
      words_((width + 63) / 64),
      wanted_(wanted),
      above_(words_, 0),
      below_(words_, 0),
      beside_(words_, 0) {}

template <class Label>
const std::uint64_t* EdgeRows<Label>::next() {
  above_.swap(below_);
  if (rows_left_ > 1) {
    differences(row_, row_ + width_, width_, below_.data());
  } else {
    std::fill(below_.begin(), below_.end(), 0);
  }
  beside_.back() = 0;  // the last word has no pair in it where the width is 64 * k + 1
  differences(row_, row_ + 1, width_ - 1, beside_.data());

  std::uint64_t any = 0, carry = 0;
  for (std::size_t k = 0; k < words_; ++k) {
    const std::uint64_t right = beside_[k];
    std::uint64_t bits = above_[k] | below_[k] | right | right << 1 | carry;
    carry = right >> 63;
    if (bits != 0) {
      bits = keep_wanted(bits, row_ + 64 * k, std::min<std::size_t>(64, width_ - 64 * k), wanted_);
    }
    beside_[k] = bits;
    any |= bits;
  }
  row_ += width_;
  --rows_left_;
  return any != 0 ? beside_.data() : nullptr;
}

template class EdgeRows<std::uint8_t>;
template class EdgeRows<std::int32_t>;

}  // namespace roadseg
