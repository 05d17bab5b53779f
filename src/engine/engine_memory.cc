#include "engine/engine_memory.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <limits>
#include <vector>

#include "core/units.h"
#include "nn/kv_pool.h"

namespace retort {
namespace {

// A number of bytes that is the file's whole content; 0 where there is none ("max").
std::uint64_t bytes_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : 0;
}

// What a cgroup's page cache takes, mapped checkpoints above all: counted as used, and given back when wanted.
std::uint64_t page_cache_bytes(const std::filesystem::path& stat) {
  std::ifstream file(stat);
  std::string key;
  std::uint64_t total = 0;
  for (std::uint64_t value = 0; file >> key >> value;) {
    if (key == "active_file" || key == "inactive_file") total += value;
  }
  return total;
}

// Left to the system and to others.
constexpr std::uint64_t kReserve = std::uint64_t{256} << 20;

struct KvBudget {
  std::uint64_t needed = 0;    // bytes of one whole sequence
  std::uint64_t given = 0;     // bytes
  std::int64_t positions = 0;  // that fit into what is given
};

// Not even one sequence fits: who set that limit, and what helps.
Error too_little_memory(const EngineMemoryPlan& plan, const EngineMemoryOptions& options, const MachineMemory& machine,
                        const KvBudget& budget) {
  std::string message =
      fmt::format("a sequence of --max-model-len {} needs {} of KV cache ({}), but ",
                  format_grouped(plan.max_model_len), format_bytes(budget.needed), to_string(options.kv_cache_type));
  std::vector<std::string> help;
  if (options.kv_cache_memory != 0) {
    message += fmt::format("--kv-cache-memory gives {}", format_bytes(budget.given));
    help.push_back("raise --kv-cache-memory");
  } else {
    message += fmt::format(
        "weights ({}) and activations ({}) leave {} of this machine's {}, of which {} are free and "
        "--gpu-memory-utilization is {}",
        format_bytes(plan.weights), format_bytes(plan.activations), format_bytes(budget.given),
        format_bytes(machine.total), format_bytes(machine.available), options.gpu_memory_utilization);
    if (budget.positions == 0) help.push_back("free memory");
    if (options.gpu_memory_utilization < 1) help.push_back("raise --gpu-memory-utilization");
  }
  if (budget.positions > 0) {
    help.push_back(fmt::format("lower --max-model-len to {} or less", format_grouped(budget.positions)));
  }
  if (options.kv_cache_type == KvCacheType::kF32 || options.kv_cache_type == KvCacheType::kBf16) {
    help.push_back("choose a smaller --kv-cache-dtype");
  }
  return {ErrorCode::kExhausted, fmt::format("{}; {}", message, fmt::join(help, ", or "))};
}

}  // namespace

Expected<MachineMemory> machine_memory(const std::filesystem::path& root) {
  MachineMemory out;
  std::ifstream file(root / "proc/meminfo");
  std::string key;
  std::string unit;
  for (std::uint64_t value = 0; file >> key >> value; std::getline(file, unit)) {
    if (key == "MemTotal:") out.total = value * 1024;
    if (key == "MemAvailable:") out.available = value * 1024;
  }
  if (out.total == 0 || out.available == 0) {
    return fail(ErrorCode::kIo, "/proc/meminfo does not tell this machine's memory; set --kv-cache-memory");
  }
  // A container's limit (cgroup v2).
  const std::filesystem::path cgroup = root / "sys/fs/cgroup";
  if (const std::uint64_t limit = bytes_in(cgroup / "memory.max"); limit != 0) {
    const std::uint64_t current = bytes_in(cgroup / "memory.current");
    const std::uint64_t used = current - std::min(current, page_cache_bytes(cgroup / "memory.stat"));
    out.total = std::min(out.total, limit);
    out.available = std::min(out.available, limit > used ? limit - used : 0);
  }
  return out;
}

Expected<EngineMemoryPlan> plan_engine_memory(const Model& model, const EngineMemoryOptions& options,
                                              const MachineMemory& machine) {
  if (!(options.gpu_memory_utilization > 0 && options.gpu_memory_utilization <= 1)) {
    return fail(ErrorCode::kInvalidArgument, "--gpu-memory-utilization must be above 0 and at most 1 but is {}",
                options.gpu_memory_utilization);
  }
  const ModelConfig& config = model.config();
  EngineMemoryPlan plan;
  plan.max_model_len = config.max_position_embeddings;
  if (options.max_model_len > 0) plan.max_model_len = std::min(plan.max_model_len, options.max_model_len);
  plan.weights = model.memory_bytes();
  plan.activations = model.activation_bytes(options.max_num_batched_tokens, options.max_num_seqs);

  const KvLayouts layouts(config, options.kv_cache_type, options.kv_edge_layers);
  const auto block = static_cast<std::uint64_t>(layouts.logical_block_bytes());
  const auto per_sequence =
      static_cast<std::uint64_t>((plan.max_model_len + kv_block_positions() - 1) / kv_block_positions());
  const std::uint64_t free = machine.available > kReserve ? machine.available - kReserve : 0;
  // The weights are in memory already, and no longer part of what is available.
  const std::uint64_t room = free > plan.activations ? free - plan.activations : 0;
  std::uint64_t budget = options.kv_cache_memory;
  if (budget == 0) {
    const auto share = static_cast<std::uint64_t>(options.gpu_memory_utilization * static_cast<double>(machine.total));
    const std::uint64_t taken = plan.weights + plan.activations;
    budget = std::min(share > taken ? share - taken : 0, room);
  } else if (budget > room) {
    return fail(ErrorCode::kExhausted,
                "--kv-cache-memory asks for {}, but beside the weights ({}) and activations ({}) this machine has {} "
                "left; ask for less",
                format_bytes(budget), format_bytes(plan.weights), format_bytes(plan.activations), format_bytes(room));
  }
  const std::uint64_t useful = per_sequence * static_cast<std::uint64_t>(options.max_num_seqs);
  const std::uint64_t blocks = std::min({budget / block, useful,
                                         static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max()) /
                                             static_cast<std::uint64_t>(layouts.layers())});
  const auto fits = static_cast<std::int64_t>(blocks) * kv_block_positions();
  if (blocks < per_sequence && options.max_model_len == 0 && options.least_model_len > 0 &&
      fits >= options.least_model_len) {
    plan.max_model_len = fits;
  } else if (blocks < per_sequence) {
    return fail(too_little_memory(plan, options, machine,
                                  {.needed = per_sequence * block,
                                   .given = budget,
                                   .positions = static_cast<std::int64_t>(budget / block) * kv_block_positions()}));
  }
  plan.logical_blocks = static_cast<std::int64_t>(blocks);
  plan.kv_cache = blocks * block;
  return plan;
}

std::string describe(const EngineMemoryPlan& plan, const EngineMemoryOptions& options) {
  return fmt::format(
      "memory: weights {}, activations {}, KV cache {} ({}) for {} tokens: {:.1f} sequences of {}; {} in all",
      format_bytes(plan.weights), format_bytes(plan.activations), format_bytes(plan.kv_cache),
      to_string(options.kv_cache_type), format_grouped(plan.kv_tokens()), plan.concurrency(),
      format_grouped(plan.max_model_len), format_bytes(plan.total()));
}

}  // namespace retort
