// Interpreters in their sandboxes that have started and wait for work, so that a test need not wait for them.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "grade/code/sandbox_process.h"

namespace retort::grade {

/// Starts python_harness() in a sandbox.
Expected<SandboxProcess> start_python(const Limits& limits, const SandboxTools& tools);

/// Thread-safe. One thread of its own starts them, and lives as long as they do (see SandboxProcess). What was taken
/// must be gone before the pool is.
class CodePool {
 public:
  /// Keeps `size` ready under `limits`. 0: no thread; take() starts them.
  CodePool(const SandboxTools& tools, const Limits& limits, int size);
  ~CodePool();
  CodePool(const CodePool&) = delete;
  CodePool& operator=(const CodePool&) = delete;

  /// One that nobody has used, under `limits`: a ready one where they are the pool's, else a new one.
  Expected<SandboxProcess> take(const Limits& limits);

 private:
  void keep_full();

  SandboxTools tools_;
  Limits limits_;
  std::size_t size_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<SandboxProcess> ready_;
  enum class State { kFilling, kBroken, kStopping } state_ = State::kFilling;
  std::thread thread_;
};

}  // namespace retort::grade
