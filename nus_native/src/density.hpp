// How much semantic boundary lies in each cell of a coarse grid over a label map.
#pragma once

#include <cstddef>
#include <cstdint>

#include "edges.hpp"
#include "nearest.hpp"

namespace roadseg {

// What a boundary pixel counts: by its own class and that of the neighbour it differs from.
//
// table: (classes, classes + 1); the last column is for neighbours that are no class. Empty
// (classes = 0): every boundary pixel counts 1.
struct PairWeights {
  const float* table;
  std::size_t classes;
};

// Write the weight of boundary pixels in each of rows x columns cells that tile the map.
//
// A pixel counts the largest weight among its unequal neighbours, cut between the cells it lies in
// by area. rows and columns are at most the map's height and width.
// density: (batch, rows, columns).
template <class Label>
void boundary_density(const LabelMaps<Label>& maps, const Wanted& wanted,
                      const PairWeights& weights, std::size_t rows, std::size_t columns,
                      unsigned threads, double* density);

}  // namespace roadseg
