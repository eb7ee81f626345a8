// Semantic edges of a label map, one row of bits at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace roadseg {

// Which labels may carry an edge: not the ignored one, and a target class where these are given.
class Wanted {
 public:
  // targets: sorted; used only if has_targets. ignore: used only if has_ignore.
  Wanted(bool has_targets, const std::int32_t* targets, std::size_t target_count, bool has_ignore,
         std::int32_t ignore);

  bool operator()(std::uint8_t label) const { return small_[label]; }
  bool operator()(std::int32_t label) const {
    return label >= 0 && label < 256 ? small_[label] : contains(label);
  }

 private:
  bool contains(std::int32_t label) const;

  bool small_[256];
  std::vector<std::int32_t> targets_;
  bool has_targets_;
  bool has_ignore_;
  std::int32_t ignore_;
};

// Streams the edge map of one label map from top to bottom.
//
// A pixel is an edge if its label differs from that of one of its 4 neighbours and is wanted.
// Bit i of word k of a row is column 64 * k + i; bits past the width are 0.
template <class Label>
class EdgeRows {
 public:
  EdgeRows(const Label* labels, std::size_t height, std::size_t width, const Wanted& wanted);

  std::size_t words() const { return words_; }

  // The words of the next row, or nullptr if it holds no edge. Valid until the next call.
  const std::uint64_t* next();

 private:
  const Label* row_;
  std::size_t rows_left_;
  std::size_t width_;
  std::size_t words_;
  const Wanted& wanted_;
  std::vector<std::uint64_t> above_, below_, beside_;
};

}  // namespace roadseg
