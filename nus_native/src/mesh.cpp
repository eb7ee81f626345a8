#include "mesh.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "holes.hpp"
#include "parallel.hpp"
#include "spans.hpp"
#include "triangle.hpp"

namespace roadseg {
namespace {

// Call draw(triangle) for each triangle of the mesh that reaches into the band, in drawing order.
template <class Draw>
void for_each_triangle(const double* positions, std::size_t rows, std::size_t columns,
                       const Band& band, const Draw& draw) {
  const auto corner = [&](std::size_t sample) {
    return Corner{positions[2 * sample], positions[2 * sample + 1], sample};
  };
  for (std::size_t i = 0; i + 1 < rows; ++i) {
    for (std::size_t j = 0; j + 1 < columns; ++j) {
      const Corner a = corner(i * columns + j), b = corner(i * columns + j + 1);
      const Corner c = corner((i + 1) * columns + j), d = corner((i + 1) * columns + j + 1);
      if (std::max(std::max(a.y, b.y), std::max(c.y, d.y)) < static_cast<double>(band.first) ||
          std::min(std::min(a.y, b.y), std::min(c.y, d.y)) >= static_cast<double>(band.end)) {
        continue;
      }
      const Triangle upper(a, b, c), lower(b, c, d);
      if (!upper.flat()) draw(upper);
      if (!lower.flat()) draw(lower);
    }
  }
}

// Call work(image, band) on the threads, the images cut into bands if there are fewer than threads.
template <class Work>
void for_each_band(std::size_t batch, std::size_t height, std::size_t width, unsigned threads,
                   const Work& work) {
  const std::size_t bands =
      batch == 0 || batch >= threads ? 1 : std::min<std::size_t>(height, (threads + batch - 1) / batch);
  parallel_for(batch * bands, threads, [&](std::size_t task) {
    const std::size_t k = task % bands;
    work(task / bands, Band{static_cast<long>(height * k / bands),
                            static_cast<long>(height * (k + 1) / bands), static_cast<long>(width)});
  });
}

// The sample that pixel (y, x) is nearest to if the grid is taken as uniform.
template <class Score>
std::size_t uniform_sample(const Samples<Score>& samples, std::size_t y, std::size_t x) {
  const std::size_t height = samples.height - 1, width = samples.width - 1;
  return (2 * y * (samples.rows - 1) + height) / (2 * height) * samples.columns +
         (2 * x * (samples.columns - 1) + width) / (2 * width);
}

// One image's share of a batch.
template <class Score>
struct Image {
  const Score* scores;
  const double* positions;

  Image(const Samples<Score>& samples, std::size_t index)
      : scores(samples.scores + index * samples.rows * samples.columns * samples.channels),
        positions(samples.positions +
                  (samples.one_grid ? 0 : index * samples.rows * samples.columns * 2)) {}
};

template <class Score>
double at(const Score* const corners[3], const Weights& weights, std::size_t channel) {
  return weights.w[0] * static_cast<double>(corners[0][channel]) +
         weights.w[1] * static_cast<double>(corners[1][channel]) +
         weights.w[2] * static_cast<double>(corners[2][channel]);
}

template <class Score>
void draw_scores(const Samples<Score>& samples, const Image<Score>& image, const Band& band,
                 Score* out, std::uint8_t* covered) {
  const std::size_t channels = samples.channels, width = samples.width;
  std::vector<double> ends(2 * channels);
  for_each_triangle(
      image.positions, samples.rows, samples.columns, band, [&](const Triangle& triangle) {
        const Score* corners[3];
        for (int k = 0; k < 3; ++k) corners[k] = image.scores + triangle.sample(k) * channels;
        triangle.scan(band, [&](long y, long x0, long x1) {
          const Weights first = triangle.weights(y, x0), last = triangle.weights(y, x1);
          for (std::size_t c = 0; c < channels; ++c) {
            ends[c] = at(corners, first, c);
            ends[channels + c] = at(corners, last, c);
          }
          const std::size_t pixel = static_cast<std::size_t>(y) * width + x0;
          const std::size_t count = x1 - x0 + 1;
          blend_span(ends.data(), channels, count, out + pixel * channels);
          std::fill_n(covered + pixel, count, std::uint8_t{1});
        });
      });
}

// The channels that can be the largest somewhere in one triangle, in ascending order.
class Contenders {
 public:
  explicit Contenders(std::size_t channels) : beaten_(channels) { list_.reserve(channels); }

  template <class Score>
  const std::vector<std::int32_t>& of(const Score* const corners[3], const std::int32_t best[3]) {
    const std::size_t channels = beaten_.size();
    std::fill(beaten_.begin(), beaten_.end(), std::uint8_t{0});
    mark_beaten(corners, channels, best[0], beaten_.data());
    if (best[1] != best[0]) mark_beaten(corners, channels, best[1], beaten_.data());
    if (best[2] != best[0] && best[2] != best[1]) {
      mark_beaten(corners, channels, best[2], beaten_.data());
    }
    list_.clear();
    for (std::size_t c = 0; c < channels; ++c) {
      if (!beaten_[c]) list_.push_back(static_cast<std::int32_t>(c));
    }
    return list_;
  }

 private:
  std::vector<std::uint8_t> beaten_;
  std::vector<std::int32_t> list_;
};

template <class Score>
void draw_labels(const Samples<Score>& samples, const Image<Score>& image,
                 const std::int32_t* best_of, const Band& band, std::int32_t* out) {
  const std::size_t channels = samples.channels, width = samples.width;
  std::vector<double> largest(width);
  Contenders contenders(channels);
  for_each_triangle(
      image.positions, samples.rows, samples.columns, band, [&](const Triangle& triangle) {
        std::int32_t best[3];
        for (int k = 0; k < 3; ++k) best[k] = best_of[triangle.sample(k)];
        // The scores are linear inside, so a channel that is largest at all corners is everywhere.
        if (best[0] == best[1] && best[1] == best[2]) {
          triangle.scan(band, [&](long y, long x0, long x1) {
            std::fill_n(out + y * width + x0, x1 - x0 + 1, best[0]);
          });
          return;
        }
        const Score* corners[3];
        for (int k = 0; k < 3; ++k) corners[k] = image.scores + triangle.sample(k) * channels;
        const std::vector<std::int32_t>& list = contenders.of(corners, best);
        triangle.scan(band, [&](long y, long x0, long x1) {
          const Weights first = triangle.weights(y, x0), last = triangle.weights(y, x1);
          const std::size_t count = x1 - x0 + 1;
          std::fill_n(largest.begin(), count, -std::numeric_limits<double>::infinity());
          for (const std::int32_t channel : list) {
            take_better(at(corners, first, channel), at(corners, last, channel), channel, count,
                        largest.data(), out + y * width + x0);
          }
        });
      });
}

// Fill the holes of one image; covered(pixel) tells, copy(from, to, count) copies pixels, and
// set(pixel, sample) takes one sample as it is.
template <class Score, class Covered, class Copy, class Set>
void fill_holes(const Samples<Score>& samples, const Covered& covered, const Copy& copy,
                const Set& set) {
  const std::size_t height = samples.height, width = samples.width;
  std::vector<bool> filled(height);
  for (std::size_t y = 0; y < height; ++y) {
    filled[y] = fill_row(
        width, [&](std::size_t x) -> bool { return covered(y * width + x); },
        [&](std::size_t from, std::size_t to) { copy(y * width + from, y * width + to, 1); });
  }
  const auto copy_row = [&](std::size_t from, std::size_t to) {
    copy(from * width, to * width, width);
  };
  if (fill_empty_rows(filled, copy_row)) return;
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) set(y * width + x, uniform_sample(samples, y, x));
  }
}

template <class Score>
void find_best(const Score* scores, std::size_t samples, std::size_t channels, std::int32_t* best) {
  for (std::size_t s = 0; s < samples; ++s) {
    const Score* from = scores + s * channels;
    best[s] = static_cast<std::int32_t>(std::max_element(from, from + channels) - from);
  }
}

ROADSEG_CLONES
bool any_negative(const std::int32_t* values, std::size_t count) {
  std::int32_t all = 0;
  for (std::size_t i = 0; i < count; ++i) all |= values[i];
  return all < 0;
}

ROADSEG_CLONES
bool any_zero(const std::uint8_t* values, std::size_t count) {
  std::uint8_t all = 1;
  for (std::size_t i = 0; i < count; ++i) all &= values[i];
  return all == 0;
}

}  // namespace

template <class Score>
void fill_scores(const Samples<Score>& samples, unsigned threads, Score* out) {
  const std::size_t pixels = samples.height * samples.width, channels = samples.channels;
  std::vector<std::uint8_t> covered(samples.batch * pixels, 0);
  for_each_band(samples.batch, samples.height, samples.width, threads,
                [&](std::size_t b, const Band& band) {
                  draw_scores(samples, Image<Score>(samples, b), band, out + b * pixels * channels,
                              covered.data() + b * pixels);
                });
  parallel_for(samples.batch, threads, [&](std::size_t b) {
    const std::uint8_t* mask = covered.data() + b * pixels;
    if (!any_zero(mask, pixels)) return;
    const Image<Score> image(samples, b);
    Score* to_fill = out + b * pixels * channels;
    fill_holes(
        samples, [&](std::size_t pixel) -> bool { return mask[pixel]; },
        [&](std::size_t from, std::size_t to, std::size_t count) {
          std::copy_n(to_fill + from * channels, count * channels, to_fill + to * channels);
        },
        [&](std::size_t pixel, std::size_t sample) {
          std::copy_n(image.scores + sample * channels, channels, to_fill + pixel * channels);
        });
  });
}

template <class Score>
void fill_labels(const Samples<Score>& samples, unsigned threads, std::int32_t* out) {
  const std::size_t pixels = samples.height * samples.width;
  const std::size_t count = samples.rows * samples.columns;
  std::vector<std::int32_t> best(samples.batch * count);
  parallel_for(samples.batch, threads, [&](std::size_t b) {
    find_best(Image<Score>(samples, b).scores, count, samples.channels, best.data() + b * count);
  });
  for_each_band(samples.batch, samples.height, samples.width, threads,
                [&](std::size_t b, const Band& band) {
                  std::int32_t* to_fill = out + b * pixels;
                  std::fill(to_fill + band.first * band.width, to_fill + band.end * band.width, -1);
                  draw_labels(samples, Image<Score>(samples, b), best.data() + b * count, band,
                              to_fill);
                });
  parallel_for(samples.batch, threads, [&](std::size_t b) {
    std::int32_t* to_fill = out + b * pixels;
    if (!any_negative(to_fill, pixels)) return;
    fill_holes(
        samples, [&](std::size_t pixel) -> bool { return to_fill[pixel] >= 0; },
        [&](std::size_t from, std::size_t to, std::size_t number) {
          std::copy_n(to_fill + from, number, to_fill + to);
        },
        [&](std::size_t pixel, std::size_t sample) {
          to_fill[pixel] = best[b * count + sample];
        });
  });
}

template void fill_scores(const Samples<float>&, unsigned, float*);
template void fill_scores(const Samples<double>&, unsigned, double*);
template void fill_labels(const Samples<float>&, unsigned, std::int32_t*);
template void fill_labels(const Samples<double>&, unsigned, std::int32_t*);

}  // namespace roadseg
