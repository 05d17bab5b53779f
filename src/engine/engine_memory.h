// How much memory the engine takes and what fits into it: decided and told before anything runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/error.h"
#include "nn/kv_cache.h"
#include "nn/model.h"

namespace retort {

/// Names as vLLM has them.
struct EngineMemoryOptions {
  std::uint64_t kv_cache_memory = 0;    ///< bytes for the KV cache; 0: what gpu_memory_utilization leaves
  double gpu_memory_utilization = 0.9;  ///< share of this machine's memory, (0, 1]: weights, cache, everything
  std::int64_t max_model_len = 0;       ///< 0, or more than it: max_position_embeddings
  /// Where max_model_len is 0 and a whole context does not fit: as long a one as fits, but no shorter than this; 0:
  /// none.
  std::int64_t least_model_len = 0;
  std::int64_t max_num_seqs = 256;
  std::int64_t max_num_batched_tokens = 2048;
  KvCacheType kv_cache_type = KvCacheType::kBf16;
  std::int64_t kv_edge_layers = 0;  ///< first and last layers that keep bf16 beside an 8-bit type
};

/// What the process may take: the machine's memory, or its cgroup's limit if that is lower, and what of it is free.
struct MachineMemory {
  std::uint64_t total = 0;
  std::uint64_t available = 0;
};
/// From proc/meminfo and sys/fs/cgroup (v2) under `root`. kIo if the former does not tell.
Expected<MachineMemory> machine_memory(const std::filesystem::path& root = "/");

struct EngineMemoryPlan {
  std::uint64_t weights = 0;      ///< bytes, resident already
  std::uint64_t activations = 0;  ///< bytes of a full step
  std::uint64_t kv_cache = 0;     ///< bytes of all blocks
  std::int64_t logical_blocks = 0;
  std::int64_t max_model_len = 0;

  [[nodiscard]] std::uint64_t total() const { return weights + activations + kv_cache; }
  [[nodiscard]] std::int64_t kv_tokens() const { return logical_blocks * kv_block_positions(); }
  /// Sequences of max_model_len that the cache holds at once.
  [[nodiscard]] double concurrency() const {
    return static_cast<double>(kv_tokens()) / static_cast<double>(max_model_len);
  }
};

/// No more blocks than max_num_seqs sequences of max_model_len can use. kExhausted, with all numbers and what to do,
/// where not even one such sequence fits, or where there is less memory than asked for.
Expected<EngineMemoryPlan> plan_engine_memory(const Model& model, const EngineMemoryOptions& options,
                                              const MachineMemory& machine);
/// One line for the log.
std::string describe(const EngineMemoryPlan& plan, const EngineMemoryOptions& options);

}  // namespace retort
