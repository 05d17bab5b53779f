#include "io/retry.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "core/log.h"
#include "core/units.h"

namespace retort {
namespace {
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
}  // namespace

Retrier::Retrier(const HubPatience& patience, std::function<bool()> stop)
    : patience_(patience),
      stop_(std::move(stop)),
      random_(static_cast<std::uint_fast32_t>(Clock::now().time_since_epoch().count())) {}

Status Retrier::pause_after(HttpFailure failure, std::string_view what) {
  if (failure.retry == Retry::kNever || stop_()) return fail(std::move(failure.error));
  if (++failures_ >= patience_.attempts) {
    return fail(failure.error.code(), "{} (tried {} times)", failure.error.message(), failures_);
  }
  // Doubled each time; a quarter more or less, so that many clients do not come back at once.
  const int doublings = std::min(failures_ - 1, 20);
  double wait_ms =
      std::min<double>(static_cast<double>(patience_.first_backoff_ms) * (1 << doublings), patience_.max_backoff_ms);
  wait_ms *= std::uniform_real_distribution<double>(0.75, 1.25)(random_);
  if (failure.wait_seconds) wait_ms = std::max(wait_ms, *failure.wait_seconds * 1000.0);
  log(LogLevel::kInfo, "{}: {}; trying again in {}", what, failure.error.message(), format_seconds(wait_ms / 1000));

  const auto until = Clock::now() + milliseconds(static_cast<std::int64_t>(wait_ms));
  while (Clock::now() < until) {
    if (stop_()) return fail(ErrorCode::kCancelled, "interrupted");
    std::this_thread::sleep_for(std::min<Clock::duration>(milliseconds(50), until - Clock::now()));
  }
  return {};
}

}  // namespace retort
