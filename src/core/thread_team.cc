#include "core/thread_team.h"

#include <chrono>
#include <csignal>
#include <system_error>

#include "core/log.h"

namespace retort {
namespace {

thread_local bool t_inside = false;

constexpr std::uint64_t kChunksMask = 0xffffffff;

// Longer than the serial stretches between two jobs of a forward pass (norms of one token, rotations: some
// microseconds), shorter than what the system's scheduler deals in.
constexpr std::chrono::microseconds kSpin{50};

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// Until done() or the time is up.
template <typename Done>
bool spin_until(const Done& done) {
  const auto until = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 16; ++i) {
      if (done()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < until);
  return done();
}

// Blocks all signals in this thread, and so in those that it starts meanwhile.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

ThreadTeam::ThreadTeam(int helpers) : helpers_(helpers) {
  const SignalsBlocked blocked;
  try {
    for (int i = 0; i < helpers; ++i) threads_.emplace_back([this] { help(); });
  } catch (const std::system_error& error) {
    log(LogLevel::kDebug, "the system gives {} threads of {}: {}", threads_.size() + 1, helpers + 1, error.what());
  }
}

ThreadTeam::~ThreadTeam() {
  leave_ = true;
  published_.fetch_add(1);
  published_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool ThreadTeam::inside() { return t_inside; }

bool ThreadTeam::work_on_one() {
  std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
  do {
    if ((ticket & kChunksMask) == 0) return false;
  } while (!ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel, std::memory_order_acquire));
  (*chunk_)(chunks_ - static_cast<std::uint32_t>(ticket & kChunksMask));
  // The last to finish wakes the caller, should it sleep.
  if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
  return true;
}

void ThreadTeam::help() {
  t_inside = true;
  for (;;) {
    const std::uint32_t seen = published_.load();
    while (work_on_one()) {
    }
    if (leave_) return;
    const auto more = [&] { return published_.load(std::memory_order_acquire) != seen; };
    if (!spin_until(more)) published_.wait(seen);
  }
}

void ThreadTeam::run(std::uint32_t chunks, const std::function<void(std::uint32_t)>& chunk) {
  if (chunks == 0) return;
  chunk_ = &chunk;
  chunks_ = chunks;
  unfinished_.store(chunks, std::memory_order_relaxed);
  const std::uint64_t number = (ticket_.load(std::memory_order_relaxed) | kChunksMask) + 1;
  ticket_.store(number | chunks, std::memory_order_release);
  published_.fetch_add(1);
  published_.notify_all();
  t_inside = true;
  while (work_on_one()) {
  }
  t_inside = false;
  const auto done = [&] { return unfinished_.load(std::memory_order_acquire) == 0; };
  if (spin_until(done)) return;
  for (std::uint32_t left = 0; (left = unfinished_.load(std::memory_order_acquire)) != 0;) unfinished_.wait(left);
}

}  // namespace retort
