// The published way transforms every pixel; only the grid points are asked. The transform separates:
// first the nearest edge column in each image row, then, for each grid column, the row that minimises
// (row distance)^2 + (column distance)^2, by the lower envelope of parabolas (Felzenszwalb and
// Huttenlocher 2012). Cost: one pass over the labels plus O(height * grid columns), whatever the map.
#include "nearest.hpp"

#include <algorithm>

#include "parallel.hpp"

namespace roadseg {
namespace {

// Edge rows only, and for each of them the edge column nearest to each grid column.
struct RowHits {
  std::vector<std::int32_t> rows;
  std::vector<std::int32_t> columns;  // (rows, grid columns)
};

// The nearest set bit at or left of each column (-1: none), then at or right of it if that is nearer.
void nearest_in_row(const std::uint64_t* words, std::size_t word_count,
                    const std::vector<std::int32_t>& columns, std::int32_t* hits) {
  std::size_t k = 0;
  std::int32_t last = -1;
  for (std::size_t j = 0; j < columns.size(); ++j) {
    const std::size_t word = columns[j] / 64;
    for (; k < word; ++k) {
      if (words[k] != 0) last = static_cast<std::int32_t>(64 * k + 63 - __builtin_clzll(words[k]));
    }
    const std::uint64_t left = words[word] & (~std::uint64_t{0} >> (63 - columns[j] % 64));
    hits[j] = left ? static_cast<std::int32_t>(64 * word + 63 - __builtin_clzll(left)) : last;
  }
  std::size_t end = word_count;
  std::int32_t first = -1;
  for (std::size_t j = columns.size(); j-- > 0;) {
    const std::int32_t column = columns[j];
    const std::size_t word = column / 64;
    for (; end > word + 1; --end) {
      if (words[end - 1] != 0) {
        first = static_cast<std::int32_t>(64 * (end - 1) + __builtin_ctzll(words[end - 1]));
      }
    }
    const std::uint64_t right = words[word] & (~std::uint64_t{0} << (column % 64));
    const std::int32_t hit =
        right ? static_cast<std::int32_t>(64 * word + __builtin_ctzll(right)) : first;
    if (hits[j] < 0 || (hit >= 0 && hit - column < column - hits[j])) hits[j] = hit;
  }
}

template <class Label>
RowHits row_hits(const Label* labels, std::size_t height, std::size_t width, const Wanted& wanted,
                 const std::vector<std::int32_t>& columns) {
  RowHits found;
  EdgeRows<Label> edges(labels, height, width, wanted);
  for (std::size_t row = 0; row < height; ++row) {
    const std::uint64_t* words = edges.next();
    if (words == nullptr) continue;
    found.rows.push_back(static_cast<std::int32_t>(row));
    found.columns.resize(found.columns.size() + columns.size());
    nearest_in_row(words, edges.words(), columns,
                   found.columns.data() + found.columns.size() - columns.size());
  }
  return found;
}

struct Parabola {
  double row;   // the image row of its edge pixel
  double lift;  // (column distance)^2 + row^2; below 2^53, so exact
  double from;  // it is the lowest one from this row on
  std::int32_t column;
};

// The edge pixel nearest to (each of rows, columns[j]) of one label map, into nearest[i, j].
void query_column(const RowHits& found, const std::vector<std::int32_t>& rows,
                  const std::vector<std::int32_t>& columns, std::size_t j,
                  std::vector<Parabola>& envelope, std::int32_t* nearest) {
  const std::size_t width = columns.size();
  envelope.clear();
  for (std::size_t k = 0; k < found.rows.size(); ++k) {
    const std::int32_t column = found.columns[k * width + j];
    const double row = found.rows[k];
    const double apart = column - columns[j];
    const double lift = apart * apart + row * row;
    double from = -1;
    while (!envelope.empty()) {
      const Parabola& last = envelope.back();
      from = (lift - last.lift) / (2 * (row - last.row));
      if (from > last.from) break;
      envelope.pop_back();
      from = -1;
    }
    envelope.push_back({row, lift, from, column});
  }
  std::size_t lowest = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    while (lowest + 1 < envelope.size() && envelope[lowest + 1].from < rows[i]) ++lowest;
    nearest[2 * (i * width + j)] = static_cast<std::int32_t>(envelope[lowest].row);
    nearest[2 * (i * width + j) + 1] = envelope[lowest].column;
  }
}

}  // namespace

template <class Label>
void edge_maps(const LabelMaps<Label>& maps, const Wanted& wanted, unsigned threads,
               std::uint8_t* edges) {
  const std::size_t pixels = maps.height * maps.width;
  parallel_for(maps.batch, threads, [&](std::size_t b) {
    EdgeRows<Label> rows(maps.labels + b * pixels, maps.height, maps.width, wanted);
    for (std::size_t row = 0; row < maps.height; ++row) {
      const std::uint64_t* words = rows.next();
      std::uint8_t* out = edges + b * pixels + row * maps.width;
      for (std::size_t column = 0; column < maps.width; ++column) {
        out[column] = words != nullptr && (words[column / 64] >> (column % 64) & 1);
      }
    }
  });
}

template <class Label>
void nearest_edges(const LabelMaps<Label>& maps, const Wanted& wanted,
                   const std::vector<std::int32_t>& rows, const std::vector<std::int32_t>& columns,
                   unsigned threads, std::int32_t* nearest) {
  const std::size_t values = 2 * rows.size() * columns.size();
  parallel_for(maps.batch, threads, [&](std::size_t b) {
    const RowHits found = row_hits(maps.labels + b * maps.height * maps.width, maps.height,
                                   maps.width, wanted, columns);
    if (found.rows.empty()) {
      std::fill_n(nearest + b * values, values, -1);
      return;
    }
    std::vector<Parabola> envelope;
    envelope.reserve(found.rows.size());
    for (std::size_t j = 0; j < columns.size(); ++j) {
      query_column(found, rows, columns, j, envelope, nearest + b * values);
    }
  });
}

template void edge_maps(const LabelMaps<std::uint8_t>&, const Wanted&, unsigned, std::uint8_t*);
template void edge_maps(const LabelMaps<std::int32_t>&, const Wanted&, unsigned, std::uint8_t*);
template void nearest_edges(const LabelMaps<std::uint8_t>&, const Wanted&,
                            const std::vector<std::int32_t>&, const std::vector<std::int32_t>&,
                            unsigned, std::int32_t*);
template void nearest_edges(const LabelMaps<std::int32_t>&, const Wanted&,
                            const std::vector<std::int32_t>&, const std::vector<std::int32_t>&,
                            unsigned, std::int32_t*);

}  // namespace roadseg
