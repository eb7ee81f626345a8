// One triangle of samples on the pixel grid: which pixels it covers, and its weights there.
#pragma once

#include <algorithm>
#include <cstddef>

namespace roadseg {

// A sample's position in pixels and its number.
struct Corner {
  double y, x;
  std::size_t sample;
};

// Weights of the three corners; each in 0..1, their sum 1.
struct Weights {
  double w[3];
};

// Rows [first, end) of an image of `width` columns.
struct Band {
  long first, end, width;
};

// Corners sorted by (y, x). An edge shared by two triangles is thus walked from the same end in both
// and crosses a pixel row at the same double, so no pixel falls between them; a pixel on the edge
// belongs to both.
class Triangle {
 public:
  Triangle(const Corner& a, const Corner& b, const Corner& c) : corner_{a, b, c} {
    if (before(corner_[1], corner_[0])) std::swap(corner_[0], corner_[1]);
    if (before(corner_[2], corner_[1])) std::swap(corner_[1], corner_[2]);
    if (before(corner_[1], corner_[0])) std::swap(corner_[0], corner_[1]);
    const double long_y = corner_[2].y - corner_[0].y, long_x = corner_[2].x - corner_[0].x;
    const double short_y = corner_[1].y - corner_[0].y, short_x = corner_[1].x - corner_[0].x;
    twice_area_ = short_x * long_y - short_y * long_x;
    long_slope_ = long_x / long_y;
    upper_slope_ = short_x / short_y;
    lower_slope_ = (corner_[2].x - corner_[1].x) / (corner_[2].y - corner_[1].y);
  }

  // A triangle without area covers nothing; one too large for a double's range neither.
  bool flat() const { return !(twice_area_ < 0 || twice_area_ > 0) || twice_area_ - twice_area_ != 0; }

  std::size_t sample(int k) const { return corner_[k].sample; }

  // Call span(y, first x, last x) for each row of the band in which a pixel is covered.
  template <class Span>
  void scan(const Band& band, const Span& span) const {
    const long y0 = ceil_within(corner_[0].y, band.first, band.end);
    const long y1 = floor_within(corner_[2].y, band.first - 1, band.end - 1);
    for (long y = y0; y <= y1; ++y) {
      const double row = static_cast<double>(y);
      const double far = cross(0, 2, long_slope_, row);
      const double near =
          row < corner_[1].y ? cross(0, 1, upper_slope_, row) : cross(1, 2, lower_slope_, row);
      const long x0 = ceil_within(std::min(far, near), 0, band.width);
      const long x1 = floor_within(std::max(far, near), -1, band.width - 1);
      if (x0 <= x1) span(y, x0, x1);
    }
  }

  // Weights at pixel (y, x), pushed back into the triangle where rounding left it.
  Weights weights(long y, long x) const {
    const double dy = static_cast<double>(y) - corner_[0].y;
    const double dx = static_cast<double>(x) - corner_[0].x;
    const double long_y = corner_[2].y - corner_[0].y, long_x = corner_[2].x - corner_[0].x;
    const double short_y = corner_[1].y - corner_[0].y, short_x = corner_[1].x - corner_[0].x;
    double second = std::max(0.0, (dx * long_y - dy * long_x) / twice_area_);
    double third = std::max(0.0, (short_x * dy - short_y * dx) / twice_area_);
    const double sum = second + third;
    if (sum > 1) {
      second /= sum;
      third /= sum;
    }
    return {{std::max(0.0, 1 - second - third), second, third}};
  }

 private:
  static bool before(const Corner& a, const Corner& b) {
    return a.y < b.y || (a.y == b.y && a.x < b.x);
  }

  // The column at which edge (a, b), a above b, meets the row.
  double cross(int a, int b, double slope, double row) const {
    const Corner &top = corner_[a], &bottom = corner_[b];
    if (row <= top.y) return top.x;
    if (row >= bottom.y) return bottom.x;
    const double x = top.x + (row - top.y) * slope;
    return std::min(std::max(x, std::min(top.x, bottom.x)), std::max(top.x, bottom.x));
  }

  static long ceil_within(double value, long low, long high) {
    if (!(value > static_cast<double>(low))) return low;
    if (value >= static_cast<double>(high)) return high;
    const long whole = static_cast<long>(value);
    return whole + (static_cast<double>(whole) < value);
  }

  static long floor_within(double value, long low, long high) {
    if (!(value > static_cast<double>(low))) return low;
    if (value >= static_cast<double>(high)) return high;
    const long whole = static_cast<long>(value);
    return whole - (static_cast<double>(whole) > value);
  }

  Corner corner_[3];
  double twice_area_, long_slope_, upper_slope_, lower_slope_;
};

}  // namespace roadseg
