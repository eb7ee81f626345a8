#include "pairs.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "parallel.hpp"

namespace roadseg {

namespace {

constexpr std::size_t kBlock = 4096;            // codes of a block stay in the first cache
constexpr std::size_t kFlush = std::size_t{1} << 30;  // pixels after which a 32-bit count could wrap
constexpr std::size_t kTables = 4;
constexpr std::uint64_t kLow = 0xffff;

// codes[i] = codes[i] * side + values[i], where what is no class counts as side - 1. Negative
// values are large ones when they are read without sign.
template <class Value>
inline void append(const Value* values, std::size_t count, unsigned side, std::uint16_t* codes) {
  using Unsigned = std::make_unsigned_t<Value>;
  const auto none = static_cast<Unsigned>(side - 1);
  for (std::size_t i = 0; i < count; ++i) {
    const Unsigned value = std::min(static_cast<Unsigned>(values[i]), none);
    codes[i] = static_cast<std::uint16_t>(codes[i] * side + static_cast<unsigned>(value));
  }
}

ROADSEG_CLONES
void append_codes(const std::uint8_t* values, std::size_t count, unsigned side,
                  std::uint16_t* codes) {
  append(values, count, side, codes);
}

ROADSEG_CLONES
void append_codes(const std::int32_t* values, std::size_t count, unsigned side,
                  std::uint16_t* codes) {
  append(values, count, side, codes);
}

ROADSEG_CLONES
void append_codes(const std::int64_t* values, std::size_t count, unsigned side,
                  std::uint16_t* codes) {
  append(values, count, side, codes);
}

// Neighbours mostly share a code, and an increment has to wait for the one before it at the same
// place: they go to different tables, and eight equal ones are one addition.
void tally(const std::uint16_t* codes, std::size_t count, std::size_t table,
           std::uint32_t* tables) {
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    std::uint64_t four[2];
    std::memcpy(four, codes + i, sizeof(four));
    if (four[0] == four[1] && four[0] == (four[0] << 16 | four[0] >> 48)) {
      tables[four[0] & kLow] += 8;
      continue;
    }
    for (const std::uint64_t codes_of_four : four) {
      for (std::size_t k = 0; k < kTables; ++k) {
        ++tables[k * table + (codes_of_four >> (16 * k) & kLow)];
      }
    }
  }
  for (; i < count; ++i) ++tables[codes[i]];
}

void flush(std::size_t table, std::vector<std::uint32_t>& tables, std::int64_t* counts) {
  for (std::size_t k = 0; k < tables.size(); ++k) counts[k % table] += tables[k];
  std::fill(tables.begin(), tables.end(), 0);
}

}  // namespace

template <class Label, class Prediction>
void count_pairs(const Label* labels, const Prediction* predictions, std::size_t pixels,
                 unsigned classes, std::int64_t* counts) {
  const unsigned side = classes + 1;
  const std::size_t table = std::size_t{side} * side;
  std::vector<std::uint32_t> tables(kTables * table);
  std::uint16_t codes[kBlock];
  std::size_t since = 0;
  for (std::size_t begin = 0; begin < pixels; begin += kBlock) {
    const std::size_t count = std::min(kBlock, pixels - begin);
    std::memset(codes, 0, sizeof(codes));
    append_codes(labels + begin, count, side, codes);
    append_codes(predictions + begin, count, side, codes);
    tally(codes, count, table, tables.data());
    since += count;
    if (since >= kFlush) {
      flush(table, tables, counts);
      since = 0;
    }
  }
  flush(table, tables, counts);
}

#define ROADSEG_COUNT_PAIRS(Label, Prediction)                                               \
  template void count_pairs(const Label*, const Prediction*, std::size_t, unsigned, std::int64_t*)
ROADSEG_COUNT_PAIRS(std::uint8_t, std::uint8_t);
ROADSEG_COUNT_PAIRS(std::uint8_t, std::int32_t);
ROADSEG_COUNT_PAIRS(std::uint8_t, std::int64_t);
ROADSEG_COUNT_PAIRS(std::int32_t, std::uint8_t);
ROADSEG_COUNT_PAIRS(std::int32_t, std::int32_t);
ROADSEG_COUNT_PAIRS(std::int32_t, std::int64_t);
ROADSEG_COUNT_PAIRS(std::int64_t, std::uint8_t);
ROADSEG_COUNT_PAIRS(std::int64_t, std::int32_t);
ROADSEG_COUNT_PAIRS(std::int64_t, std::int64_t);

}  // namespace roadseg
