#include "cli/pull_progress.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/units.h"

namespace retort::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::size_t terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
  return size.ws_col;
}

double ratio_of(const PullProgress& progress) {
  if (progress.all_total_bytes == 0) return 1;
  return std::min(1.0, static_cast<double>(progress.all_done_bytes) / static_cast<double>(progress.all_total_bytes));
}

// A file's name comes from the hub: nothing of it may move the cursor.
std::string plain(std::string_view name) {
  std::string text(name);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

}  // namespace

ProgressStyle progress_style_of_stderr() {
  return isatty(STDERR_FILENO) != 0 ? ProgressStyle::kTerminal : ProgressStyle::kPlain;
}

std::string progress_line(const PullProgress& progress, double bytes_per_second, std::size_t columns) {
  constexpr int kBar = 20;
  const double ratio = ratio_of(progress);
  const int filled = static_cast<int>(ratio * kBar);
  std::string line = fmt::format("[{}{}] {:3.0f}%  {} of {}", std::string(static_cast<std::size_t>(filled), '#'),
                                 std::string(static_cast<std::size_t>(kBar - filled), '.'),
                                 // 100% is said when all is there, not before
                                 ratio < 1 ? std::min(99.0, ratio * 100) : 100.0, format_bytes(progress.all_done_bytes),
                                 format_bytes(progress.all_total_bytes));
  if (bytes_per_second >= 1) {
    line += fmt::format("  {}/s", format_bytes(static_cast<std::uint64_t>(bytes_per_second)));
    if (ratio < 1) {
      const auto left = static_cast<double>(progress.all_total_bytes - progress.all_done_bytes) / bytes_per_second;
      line += fmt::format("  {} left", format_seconds(left));
    }
  }
  line += "  " + plain(progress.path);
  if (line.size() > columns) line.resize(columns);
  return line;
}

PullDisplay::PullDisplay(ProgressStyle style) : style_(style) {}

void PullDisplay::measure_speed(Clock::time_point now, std::uint64_t bytes) {
  const double elapsed = std::chrono::duration<double>(now - speed_from_).count();
  if (elapsed < 0.5) return;
  const double speed = bytes > speed_bytes_ ? static_cast<double>(bytes - speed_bytes_) / elapsed : 0;
  bytes_per_second_ = bytes_per_second_ <= 0 ? speed : 0.7 * bytes_per_second_ + 0.3 * speed;
  speed_from_ = now;
  speed_bytes_ = bytes;
}

void PullDisplay::show(const PullProgress& progress) {
  if (style_ == ProgressStyle::kNone) return;
  const auto now = Clock::now();
  if (!started_) {  // what was there before is no speed
    started_ = true;
    speed_from_ = last_shown_ = now;
    speed_bytes_ = progress.all_done_bytes;
  }
  measure_speed(now, progress.all_done_bytes);
  const bool complete = progress.all_done_bytes >= progress.all_total_bytes;
  const auto pause = style_ == ProgressStyle::kTerminal ? Clock::duration(milliseconds(100)) : seconds(5);
  if (now - last_shown_ < pause && !complete) return;
  last_shown_ = now;
  if (style_ == ProgressStyle::kTerminal) {
    // One column less than there are: a full line would wrap. \x1b[K clears what an earlier, longer line left.
    fmt::print(stderr, "\r{}\x1b[K", progress_line(progress, bytes_per_second_, terminal_columns() - 1));
    line_open_ = true;
  } else {
    fmt::print(stderr, "{}\n", progress_line(progress, bytes_per_second_, 200));
  }
  std::fflush(stderr);
}

void PullDisplay::finish() {
  if (line_open_) fmt::print(stderr, "\n");
  line_open_ = false;
}

}  // namespace retort::cli
