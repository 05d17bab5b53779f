#include "cli/eval_progress.h"

#include <cmath>
#include <cstdio>
#include <fmt/format.h>

namespace retort::cli {
namespace {

std::string time_left(const eval::RunProgress& progress) {
  if (progress.done == progress.done_before || progress.seconds <= 0) return "";
  const double halves = 0.5 * static_cast<double>(progress.under_way);  // what is under way is half done on average
  const double fresh = static_cast<double>(progress.done - progress.done_before) + halves;
  const double left = (static_cast<double>(progress.all - progress.done) - halves) * progress.seconds / fresh;
  if (left < 90) return fmt::format("  {:.0f} s left", left);
  if (left < 5'400) return fmt::format("  {:.0f} min left", left / 60);
  return fmt::format("  {:.1f} h left", left / 3'600);
}

}  // namespace

std::string eval_progress_line(const std::string& task, const eval::RunProgress& progress) {
  constexpr int kCells = 10;
  const double share = progress.all == 0 ? 1 : static_cast<double>(progress.done) / static_cast<double>(progress.all);
  const int filled = static_cast<int>(share * kCells);
  std::string line =
      fmt::format("{} [{}{}] {}/{}", task, std::string(static_cast<std::size_t>(filled), '#'),
                  std::string(static_cast<std::size_t>(kCells - filled), '.'), progress.done, progress.all);
  if (progress.done > 0) {
    const auto n = static_cast<double>(progress.done);
    const double mean = progress.score_sum / n;
    line += fmt::format("  {:.1f}% +- {:.1f}", 100 * mean, 196 * std::sqrt(mean * (1 - mean) / n));
  }
  if (progress.under_way > 0 && progress.done == progress.done_before) {
    line += fmt::format("  {} under way", progress.under_way);
  }
  if (progress.failed > 0) line += fmt::format("  {} failed", progress.failed);
  if (progress.seconds > 0 && progress.output_tokens > 0) {
    line += fmt::format("  {:.0f} tokens/s", static_cast<double>(progress.output_tokens) / progress.seconds);
  }
  return line + time_left(progress);
}

void EvalDisplay::show(const eval::RunProgress& progress) {
  if (style_ == ProgressStyle::kNone) return;
  const auto now = std::chrono::steady_clock::now();
  const bool last = progress.done == progress.all;
  const auto pause =
      style_ == ProgressStyle::kTerminal ? std::chrono::milliseconds(200) : std::chrono::milliseconds(15'000);
  if (!last && last_shown_.time_since_epoch().count() != 0 && now - last_shown_ < pause) return;
  last_shown_ = now;
  const std::string line = eval_progress_line(task_, progress);
  if (style_ == ProgressStyle::kTerminal) {
    fmt::print(stderr, "\r\x1b[K{}", line);
    std::fflush(stderr);
    line_open_ = true;
  } else {
    fmt::print(stderr, "{}\n", line);
  }
}

void EvalDisplay::finish() {
  if (line_open_) fmt::print(stderr, "\n");
  line_open_ = false;
}

}  // namespace retort::cli
