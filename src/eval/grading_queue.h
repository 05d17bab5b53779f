// Samples that wait to be graded, and the threads that do it: code runs for seconds, and the model need not wait.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/error.h"

namespace retort::eval {

class GradingQueue {
 public:
  using Job = std::function<Status()>;

  explicit GradingQueue(int threads);
  ~GradingQueue();  ///< drops what has not begun
  GradingQueue(const GradingQueue&) = delete;
  GradingQueue& operator=(const GradingQueue&) = delete;

  void add(Job job);
  /// Waits until all is done.
  void wait();
  /// Waits a moment for something to be done, where all else waits for that.
  void wait_a_moment();
  [[nodiscard]] std::size_t pending() const;
  /// The first job that failed; it stays.
  [[nodiscard]] std::optional<Error> error() const;

 private:
  void work();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::size_t running_ = 0;
  bool stopping_ = false;
  std::optional<Error> error_;
  std::vector<std::thread> threads_;
};

}  // namespace retort::eval
