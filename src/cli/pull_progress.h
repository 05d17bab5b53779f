// How a pull shows that it goes on: one line that is written over on a terminal, else a plain line now and then.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "io/hub.h"

namespace retort::cli {

enum class ProgressStyle { kNone, kTerminal, kPlain };

/// kTerminal if standard error is one.
ProgressStyle progress_style_of_stderr();

/// Writes to standard error. Not thread-safe by itself: pull() makes one call at a time.
class PullDisplay {
 public:
  explicit PullDisplay(ProgressStyle style);
  void show(const PullProgress& progress);
  /// Ends the line that show() left open.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void measure_speed(Clock::time_point now, std::uint64_t bytes);

  ProgressStyle style_;
  Clock::time_point last_shown_;
  Clock::time_point speed_from_;
  std::uint64_t speed_bytes_ = 0;  // all_done_bytes at speed_from_
  double bytes_per_second_ = 0;    // smoothed
  bool started_ = false;
  bool line_open_ = false;
};

/// "[#####.....]  51%  1.20 GiB of 2.34 GiB  35.1 MiB/s  33 s left  model.safetensors", at most `columns` wide.
std::string progress_line(const PullProgress& progress, double bytes_per_second, std::size_t columns);

}  // namespace retort::cli
