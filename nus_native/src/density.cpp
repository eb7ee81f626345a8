#include "density.hpp"

#include <algorithm>
#include <vector>

#include "parallel.hpp"

namespace roadseg {

namespace {

// Where a pixel lies among cells along one axis: in `cell`, and by `beyond` in the next one.
struct Place {
  std::size_t cell;
  double inside, beyond;
};

std::vector<Place> places_of(std::size_t pixels, std::size_t cells) {
  std::vector<Place> places(pixels);
  for (std::size_t i = 0; i < pixels; ++i) {
    // In units of 1 / pixels of a cell, so that whole numbers decide which cell it is.
    const std::size_t cell = i * cells / pixels;
    const std::size_t past = (i + 1) * cells > (cell + 1) * pixels
                                 ? (i + 1) * cells - (cell + 1) * pixels
                                 : 0;
    const double beyond = static_cast<double>(past) / static_cast<double>(cells);
    places[i] = {cell, 1 - beyond, beyond};
  }
  return places;
}

template <class Label>
class Weigher {
 public:
  Weigher(const Label* labels, std::size_t height, std::size_t width, const PairWeights& weights)
      : labels_(labels), height_(height), width_(width), weights_(weights) {}

  float operator()(std::size_t row, std::size_t column) const {
    if (weights_.classes == 0) return 1;
    const Label* here = labels_ + row * width_ + column;
    if (*here < 0 || static_cast<std::size_t>(*here) >= weights_.classes) return 0;
    const float* of_pair = weights_.table + static_cast<std::size_t>(*here) * (weights_.classes + 1);
    float largest = 0;
    const auto look = [&](Label other) {
      if (other == *here) return;
      const bool known = other >= 0 && static_cast<std::size_t>(other) < weights_.classes;
      largest = std::max(largest, of_pair[known ? static_cast<std::size_t>(other)
                                                : weights_.classes]);
    };
    if (row > 0) look(here[-static_cast<std::ptrdiff_t>(width_)]);
    if (row + 1 < height_) look(here[width_]);
    if (column > 0) look(here[-1]);
    if (column + 1 < width_) look(here[1]);
    return largest;
  }

 private:
  const Label* labels_;
  std::size_t height_, width_;
  const PairWeights& weights_;
};

}  // namespace

template <class Label>
void boundary_density(const LabelMaps<Label>& maps, const Wanted& wanted,
                      const PairWeights& weights, std::size_t rows, std::size_t columns,
                      unsigned threads, double* density) {
  const std::vector<Place> down = places_of(maps.height, rows);
  const std::vector<Place> across = places_of(maps.width, columns);
  const std::size_t pixels = maps.height * maps.width;
  std::fill_n(density, maps.batch * rows * columns, 0.0);
  parallel_for(maps.batch, threads, [&](std::size_t b) {
    const Label* labels = maps.labels + b * pixels;
    const Weigher<Label> weight(labels, maps.height, maps.width, weights);
    EdgeRows<Label> edges(labels, maps.height, maps.width, wanted);
    std::vector<double> line(columns + 1);
    double* cells = density + b * rows * columns;
    for (std::size_t row = 0; row < maps.height; ++row) {
      const std::uint64_t* words = edges.next();
      if (words == nullptr) continue;
      std::fill(line.begin(), line.end(), 0.0);
      for (std::size_t k = 0; k < edges.words(); ++k) {
        for (std::uint64_t bits = words[k]; bits != 0; bits &= bits - 1) {
          const std::size_t column = 64 * k + static_cast<std::size_t>(__builtin_ctzll(bits));
          const double counted = weight(row, column);
          const Place& place = across[column];
          line[place.cell] += counted * place.inside;
          line[place.cell + 1] += counted * place.beyond;
        }
      }
      const Place& place = down[row];
      double* first = cells + place.cell * columns;
      for (std::size_t c = 0; c < columns; ++c) first[c] += place.inside * line[c];
      if (place.beyond > 0) {
        for (std::size_t c = 0; c < columns; ++c) first[columns + c] += place.beyond * line[c];
      }
    }
  });
}

template void boundary_density(const LabelMaps<std::uint8_t>&, const Wanted&, const PairWeights&,
                               std::size_t, std::size_t, unsigned, double*);
template void boundary_density(const LabelMaps<std::int32_t>&, const Wanted&, const PairWeights&,
                               std::size_t, std::size_t, unsigned, double*);

}  // namespace roadseg
