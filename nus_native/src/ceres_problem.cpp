#include "ceres_problem.hpp"

#include <ceres/ceres.h>

#include <algorithm>
#include <cmath>

namespace roadseg {
namespace {

// weight * (x - b) for one point.
struct DataResidual {
  double weight, row, column;

  template <class T>
  bool operator()(const T* point_row, const T* point_column, T* residual) const {
    residual[0] = weight * (*point_row - row);
    residual[1] = weight * (*point_column - column);
    return true;
  }
};

// weight * (x_p - x_q) for two neighbours.
struct PairResidual {
  double weight;

  template <class T>
  bool operator()(const T* row, const T* column, const T* other_row, const T* other_column,
                  T* residual) const {
    residual[0] = weight * (*row - *other_row);
    residual[1] = weight * (*column - *other_column);
    return true;
  }
};

class Builder {
 public:
  Builder(std::size_t height, std::size_t width, double* grid)
      : height_(height), width_(width), grid_(grid) {}

  void add_data(const double* nearest, double weight) {
    for (std::size_t p = 0; p < height_ * width_; ++p) {
      auto* residual = new DataResidual{weight, nearest[2 * p], nearest[2 * p + 1]};
      problem_.AddResidualBlock(
          new ceres::AutoDiffCostFunction<DataResidual, 2, 1, 1>(residual), nullptr, grid_ + 2 * p,
          grid_ + 2 * p + 1);
    }
  }

  void add_pair(std::size_t p, std::size_t q, double weight) {
    problem_.AddResidualBlock(
        new ceres::AutoDiffCostFunction<PairResidual, 2, 1, 1, 1, 1>(new PairResidual{weight}),
        nullptr, grid_ + 2 * p, grid_ + 2 * p + 1, grid_ + 2 * q, grid_ + 2 * q + 1);
  }

  void add_pairs(double weight) {
    for (std::size_t i = 0; i < height_; ++i) {
      for (std::size_t j = 0; j < width_; ++j) {
        const std::size_t p = i * width_ + j;
        if (i + 1 < height_) add_pair(p, p + width_, weight);
        if (j + 1 < width_) add_pair(p, p + 1, weight);
      }
    }
  }

  void fix_border() {
    for (std::size_t j = 0; j < width_; ++j) {
      fix(grid_ + 2 * j, 0.0);
      fix(grid_ + 2 * ((height_ - 1) * width_ + j), 1.0);
    }
    for (std::size_t i = 0; i < height_; ++i) {
      fix(grid_ + 2 * (i * width_) + 1, 0.0);
      fix(grid_ + 2 * (i * width_ + width_ - 1) + 1, 1.0);
    }
  }

  ceres::Problem& problem() { return problem_; }

 private:
  void fix(double* coordinate, double value) {
    *coordinate = value;
    problem_.SetParameterBlockConstant(coordinate);
  }

  std::size_t height_, width_;
  double* grid_;
  ceres::Problem problem_;
};

}  // namespace

std::string solve_with_ceres(const double* nearest, std::size_t height, std::size_t width,
                             double data, double pair, double tolerance, double* grid) {
  std::fill_n(grid, 2 * height * width, 0.0);
  Builder builder(height, width, grid);
  builder.add_data(nearest, std::sqrt(data));
  builder.add_pairs(std::sqrt(pair));
  builder.fix_border();

  ceres::Solver::Options options;
  options.logging_type = ceres::SILENT;
  if (tolerance > 0) {
    options.function_tolerance = options.gradient_tolerance = options.parameter_tolerance =
        tolerance;
    // The problem is quadratic: an undamped step reaches the minimum, damped ones only approach it.
    options.initial_trust_region_radius = options.max_trust_region_radius;
  }
  ceres::Solver::Summary summary;
  ceres::Solve(options, &builder.problem(), &summary);
  return summary.IsSolutionUsable() ? std::string() : summary.message;
}

}  // namespace roadseg
