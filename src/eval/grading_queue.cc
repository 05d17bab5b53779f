#include "eval/grading_queue.h"

#include <chrono>
#include <utility>

namespace retort::eval {

GradingQueue::GradingQueue(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

GradingQueue::~GradingQueue() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void GradingQueue::add(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
}

void GradingQueue::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return jobs_.empty() && running_ == 0; });
}

void GradingQueue::wait_a_moment() {
  std::unique_lock lock(mutex_);
  if (jobs_.empty() && running_ == 0) return;
  changed_.wait_for(lock, std::chrono::milliseconds(50));
}

std::size_t GradingQueue::pending() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size() + running_;
}

std::optional<Error> GradingQueue::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void GradingQueue::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    ++running_;
    lock.unlock();
    Status status = job();
    lock.lock();
    --running_;
    if (!status && !error_) error_ = std::move(status).error();
    changed_.notify_all();
  }
}

}  // namespace retort::eval
