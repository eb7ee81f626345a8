// The exact minimiser of the sampling energy.
#pragma once

#include <cstddef>

namespace roadseg {

// Write the grids that minimise
//   data * sum_p |x_p - b_p|^2 + pair * sum_{4-neighbours} |x_p - x_q|^2
// with row coordinate 0 and 1 on the first and last grid row, column coordinate 0 and 1 on the
// first and last grid column. nearest (b), grids (x): (batch, height, width, 2); height, width > 1.
void solve_grids(const double* nearest, std::size_t batch, std::size_t height, std::size_t width,
                 double data, double pair, unsigned threads, double* grids);

}  // namespace roadseg
