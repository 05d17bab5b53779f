// Threads that work on one job at a time: the inside of parallel_for.
//
// A job is cut into chunks, and whoever is free takes the next: a thread that the system has set aside costs at most
// the chunk that it holds, and a helper that sleeps need not wake for the job to end. Who waits spins for kSpin, since
// the next job of a forward pass comes within microseconds, and then sleeps (futex): on cores that others use as well,
// a team that only spins takes from its own threads the time that it waits for (a decode of 24 tokens/s fell below 1).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace retort {

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): the counters that all threads turn lie apart on purpose
class ThreadTeam {
 public:
  /// Starts `helpers` threads beside the caller's, or as many as the system gives. They take no signals: those are for
  /// the threads that the program itself has started.
  explicit ThreadTeam(int helpers);
  /// Ends them; no job may be running.
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  /// The number asked for, whether the system gave them or not.
  [[nodiscard]] int helpers() const { return helpers_; }

  /// Calls chunk(0) .. chunk(chunks - 1), each once, on this thread and the helpers; returns when all are done. One
  /// caller at a time, and never from within a chunk.
  void run(std::uint32_t chunks, const std::function<void(std::uint32_t)>& chunk);

  /// True on a helper, and on the caller while it runs a chunk.
  static bool inside();

 private:
  void help();
  bool work_on_one();

  const int helpers_;
  // A job is published by storing its number (above) and its chunks (low 32 bits), and a chunk is taken by counting
  // them down. Whoever succeeds in that holds the job open, so what follows here is the job's own until its last chunk
  // ends.
  std::atomic<std::uint64_t> ticket_{0};
  const std::function<void(std::uint32_t)>* chunk_ = nullptr;
  std::uint32_t chunks_ = 0;
  alignas(64) std::atomic<std::uint32_t> unfinished_{0};
  alignas(64) std::atomic<std::uint32_t> published_{0};  ///< counts jobs; what helpers sleep on
  std::atomic<bool> leave_{false};
  std::vector<std::thread> threads_;
};

}  // namespace retort
