// The two coordinates never meet. For the row coordinate, with its first and last row eliminated,
//   data X + pair (T_D X + X T_N) = data B + pair e_last 1^T,
// T_D = tridiag(-1, 2, -1), T_N the same with free ends. DCT-II diagonalises T_N; what remains is one
// tridiagonal system down each column, solved for all columns at once. The column coordinate is the
// same problem transposed.
#include "direct.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "parallel.hpp"

namespace roadseg {
namespace {

constexpr std::size_t kTile = 8;   // columns a product keeps in registers
constexpr std::size_t kStrip = 4;  // rows likewise

std::size_t round_up(std::size_t value, std::size_t step) { return (value + step - 1) / step * step; }

// What depends on size and weights alone. Rows are padded with zeros to `stride` values.
struct Plan {
  std::size_t rows, columns, stride;  // rows: the unknown ones
  double data, pair;
  std::vector<double> transform;  // (columns, stride): orthonormal DCT-II, [pixel, frequency]
  std::vector<double> inverse;    // (columns, stride): its transpose
  std::vector<double> pivots;     // (rows, stride): reciprocal pivots of each tridiagonal system

  Plan(std::size_t unknown_rows, std::size_t column_count, double data_weight, double pair_weight)
      : rows(unknown_rows),
        columns(column_count),
        stride(round_up(column_count, kTile)),
        data(data_weight),
        pair(pair_weight),
        transform(columns * stride, 0.0),
        inverse(columns * stride, 0.0),
        pivots(rows * stride, 0.0) {
    const double pi = std::acos(-1.0);
    for (std::size_t l = 0; l < columns; ++l) {
      const double scale = std::sqrt((l == 0 ? 1.0 : 2.0) / static_cast<double>(columns));
      for (std::size_t m = 0; m < columns; ++m) {
        // The angle is reduced in integers, so that large grids lose no digits.
        const std::size_t quarter_turns = (2 * m + 1) * l % (4 * columns);
        const double angle = pi * static_cast<double>(quarter_turns) / (2.0 * columns);
        transform[m * stride + l] = inverse[l * stride + m] = scale * std::cos(angle);
      }
      const double frequency = 2.0 - 2.0 * std::cos(pi * static_cast<double>(l) / columns);
      const double diagonal = data + pair * (2.0 + frequency);
      double pivot = 0.0;
      for (std::size_t k = 0; k < rows; ++k) {
        pivot = 1.0 / (diagonal - pair * pair * pivot);
        pivots[k * stride + l] = pivot;
      }
    }
  }

  std::size_t bytes() const {
    return sizeof(double) * (transform.size() + inverse.size() + pivots.size());
  }
};

// The plans used last, at most kPlans of them and kBytes in all; safe to share between threads.
class PlanCache {
 public:
  std::shared_ptr<const Plan> get(std::size_t rows, std::size_t columns, double data, double pair) {
    {
      const std::lock_guard<std::mutex> guard(lock_);
      for (auto plan = plans_.begin(); plan != plans_.end(); ++plan) {
        const Plan& known = **plan;
        if (known.rows == rows && known.columns == columns && known.data == data &&
            known.pair == pair) {
          plans_.splice(plans_.begin(), plans_, plan);
          return plans_.front();
        }
      }
    }
    auto made = std::make_shared<const Plan>(rows, columns, data, pair);
    const std::lock_guard<std::mutex> guard(lock_);
    plans_.push_front(made);
    bytes_ += made->bytes();
    while (!plans_.empty() && (plans_.size() > kPlans || bytes_ > kBytes)) {
      bytes_ -= plans_.back()->bytes();
      plans_.pop_back();
    }
    return made;
  }

 private:
  static constexpr std::size_t kPlans = 16;
  static constexpr std::size_t kBytes = std::size_t{64} << 20;

  std::mutex lock_;
  std::list<std::shared_ptr<const Plan>> plans_;
  std::size_t bytes_ = 0;
};

PlanCache& plan_cache() {
  static PlanCache cache;
  return cache;
}

// out = in * matrix; in, out: (rows, stride), matrix: (columns, stride); rows a multiple of kStrip.
ROADSEG_CLONES
void multiply(const double* in, const double* matrix, std::size_t rows, std::size_t columns,
              std::size_t stride, double* out) {
  for (std::size_t k = 0; k < rows; k += kStrip) {
    for (std::size_t l = 0; l < stride; l += kTile) {
      double sums[kStrip][kTile] = {};
      for (std::size_t m = 0; m < columns; ++m) {
        const double* from = matrix + m * stride + l;
        for (std::size_t r = 0; r < kStrip; ++r) {
          const double value = in[(k + r) * stride + m];
          for (std::size_t q = 0; q < kTile; ++q) sums[r][q] += value * from[q];
        }
      }
      for (std::size_t r = 0; r < kStrip; ++r) {
        for (std::size_t q = 0; q < kTile; ++q) out[(k + r) * stride + l + q] = sums[r][q];
      }
    }
  }
}

ROADSEG_CLONES
void solve_down_columns(const Plan& plan, double* values) {
  const std::size_t stride = plan.stride;
  const double pair = plan.pair;
  for (std::size_t k = 0; k < plan.rows; ++k) {
    double* row = values + k * stride;
    const double* pivot = plan.pivots.data() + k * stride;
    if (k == 0) {
      for (std::size_t l = 0; l < stride; ++l) row[l] *= pivot[l];
    } else {
      const double* above = row - stride;
      for (std::size_t l = 0; l < stride; ++l) row[l] = (row[l] + pair * above[l]) * pivot[l];
    }
  }
  for (std::size_t k = plan.rows; k-- > 1;) {
    const double* below = values + k * stride;
    double* row = values + (k - 1) * stride;
    const double* pivot = plan.pivots.data() + (k - 1) * stride;
    for (std::size_t l = 0; l < stride; ++l) row[l] += pair * pivot[l] * below[l];
  }
}

// Room for one coordinate of one grid, kept from image to image by a thread.
struct Scratch {
  std::vector<double> values, product;
};

// One coordinate. b and x: the value at (k, m) is [k * row_step + m * column_step].
void solve_coordinate(const Plan& plan, const double* b, std::size_t row_step,
                      std::size_t column_step, Scratch& scratch, double* x) {
  const std::size_t stride = plan.stride;
  const std::size_t padded_rows = round_up(plan.rows, kStrip);
  scratch.values.assign(padded_rows * stride, 0.0);
  scratch.product.assign(padded_rows * stride, 0.0);
  for (std::size_t k = 0; k < plan.rows; ++k) {
    const double fixed = k + 1 == plan.rows ? plan.pair : 0.0;  // the row of ones below the last
    for (std::size_t m = 0; m < plan.columns; ++m) {
      scratch.values[k * stride + m] = plan.data * b[(k + 1) * row_step + m * column_step] + fixed;
    }
  }
  multiply(scratch.values.data(), plan.transform.data(), padded_rows, plan.columns, stride,
           scratch.product.data());
  solve_down_columns(plan, scratch.product.data());
  multiply(scratch.product.data(), plan.inverse.data(), padded_rows, plan.columns, stride,
           scratch.values.data());
  for (std::size_t m = 0; m < plan.columns; ++m) {
    x[m * column_step] = 0.0;
    x[(plan.rows + 1) * row_step + m * column_step] = 1.0;
  }
  for (std::size_t k = 0; k < plan.rows; ++k) {
    for (std::size_t m = 0; m < plan.columns; ++m) {
      x[(k + 1) * row_step + m * column_step] = scratch.values[k * stride + m];
    }
  }
}

}  // namespace

void solve_grids(const double* nearest, std::size_t batch, std::size_t height, std::size_t width,
                 double data, double pair, unsigned threads, double* grids) {
  const auto down = plan_cache().get(height - 2, width, data, pair);
  const auto across = plan_cache().get(width - 2, height, data, pair);
  const std::size_t values = 2 * height * width;
  parallel_for(batch, threads, [&](std::size_t i) {
    Scratch scratch;
    const double* b = nearest + i * values;
    double* x = grids + i * values;
    solve_coordinate(*down, b, 2 * width, 2, scratch, x);
    solve_coordinate(*across, b + 1, 2, 2 * width, scratch, x + 1);
  });
}

}  // namespace roadseg
