// Scores at scattered grid points brought to every pixel through a fixed triangle mesh.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roadseg {

// Samples (batch, rows, columns) with `channels` scores each, at `positions` (row, column) in
// pixels, and the size of the image to fill. Scores and positions are finite.
template <class Score>
struct Samples {
  const Score* scores;      // (batch, rows, columns, channels)
  const double* positions;  // (batch, rows, columns, 2), or one (rows, columns, 2) for all
  std::size_t batch, rows, columns, channels;
  bool one_grid;
  std::size_t height, width;
};

// Write scores (batch, height, width, channels).
//
// Cell (i, j) is cut from (i, j + 1) to (i + 1, j); its triangle with (i, j) is drawn first. Cells
// are drawn in row-major order and the last one drawn wins where the mesh folds. A pixel outside
// every triangle repeats the nearest covered pixel of its row, a row without any the nearest row
// that has some, an image without any the grid taken as uniform.
template <class Score>
void fill_scores(const Samples<Score>& samples, unsigned threads, Score* out);

// Write the class of the largest score, (batch, height, width); the lowest class of equal ones.
template <class Score>
void fill_labels(const Samples<Score>& samples, unsigned threads, std::int32_t* out);

}  // namespace roadseg
