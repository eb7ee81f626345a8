// The sampling energy as the published code gives it to Ceres Solver.
#pragma once

#include <cstddef>
#include <string>

namespace roadseg {

// Write the grid (height, width, 2) that Ceres finds for nearest edges (height, width, 2), data and
// pair being the weights of squared distances. tolerance: for function, gradient and parameters;
// 0 keeps Ceres's defaults; above 0 also lets the first step go undamped. Returns an empty string, or what went wrong.
std::string solve_with_ceres(const double* nearest, std::size_t height, std::size_t width,
                             double data, double pair, double tolerance, double* grid);

}  // namespace roadseg
