#include "grade/code/code_pool.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "grade/code/python_harness.h"

namespace retort::grade {

Expected<SandboxProcess> start_python(const Limits& limits, const SandboxTools& tools) {
  // -s and -B: no packages of a user, no bytecode written. The harness is an argument: no file to change.
  return SandboxProcess::start(
      {.argv = {tools.python, "-s", "-B", "-c", std::string(python_harness())}, .limits = limits}, tools);
}

CodePool::CodePool(const SandboxTools& tools, const Limits& limits, int size)
    : tools_(tools), limits_(limits), size_(static_cast<std::size_t>(std::max(size, 0))) {
  if (size_ > 0) thread_ = std::thread([this] { keep_full(); });
}

CodePool::~CodePool() {
  {
    const std::lock_guard lock(mutex_);
    state_ = State::kStopping;
  }
  wanted_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CodePool::keep_full() {
  std::unique_lock lock(mutex_);
  while (state_ == State::kFilling) {
    if (ready_.size() >= size_) {
      wanted_.wait(lock);
      continue;
    }
    lock.unlock();
    Expected<SandboxProcess> started = start_python(limits_, tools_);
    lock.lock();
    if (started) {
      ready_.push_back(*std::move(started));
    } else {
      state_ = state_ == State::kStopping ? state_ : State::kBroken;  // take() meets the same error, and tells it
    }
  }
  // Those that are ready end here, on the thread that started them.
  wanted_.wait(lock, [this] { return state_ == State::kStopping; });
  ready_.clear();
}

Expected<SandboxProcess> CodePool::take(const Limits& limits) {
  if (size_ > 0 && limits == limits_) {
    std::optional<SandboxProcess> taken;
    {
      const std::lock_guard lock(mutex_);
      if (!ready_.empty()) {
        taken.emplace(std::move(ready_.front()));
        ready_.pop_front();
      }
    }
    if (taken) {
      wanted_.notify_all();
      return *std::move(taken);
    }
  }
  return start_python(limits, tools_);
}

}  // namespace retort::grade
