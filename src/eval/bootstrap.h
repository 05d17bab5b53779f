// How far a mean over questions could have been off, had other questions been asked: the bootstrap.
#pragma once

#include <cstdint>
#include <span>

namespace retort::eval {

struct BootstrapOptions {
  int resamples = 10'000;
  double level = 0.95;  ///< of the interval, in (0, 1)
  std::uint64_t seed = 0;
};

struct Interval {
  double low = 0;
  double high = 0;
};

/// Percentile interval of the mean: questions are drawn with replacement `resamples` times, and the interval holds the
/// middle `level` of the means. The same on every machine for the same seed. {0, 0} for no values; one value gives an
/// interval without width, which says only that one question tells nothing.
///
/// Two runs that answered the same questions are compared by giving it the differences, question by question.
Interval bootstrap_mean(std::span<const double> values, BootstrapOptions options = {});

}  // namespace retort::eval
