// The nearest edge pixel of each point of a regular set of rows and columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "edges.hpp"

namespace roadseg {

// A batch of label maps, (batch, height, width), contiguous.
template <class Label>
struct LabelMaps {
  const Label* labels;
  std::size_t batch, height, width;
};

// Write the edge map of every label map as bytes 0 and 1, (batch, height, width).
template <class Label>
void edge_maps(const LabelMaps<Label>& maps, const Wanted& wanted, unsigned threads,
               std::uint8_t* edges);

// Write the (row, column) of an edge pixel nearest to each (rows[i], columns[j]).
//
// rows, columns: ascending pixel indices inside the map.
// nearest: (batch, rows, columns, 2); all -1 for a map without an edge.
template <class Label>
void nearest_edges(const LabelMaps<Label>& maps, const Wanted& wanted,
                   const std::vector<std::int32_t>& rows, const std::vector<std::int32_t>& columns,
                   unsigned threads, std::int32_t* nearest);

}  // namespace roadseg
