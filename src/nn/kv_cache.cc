#include "nn/kv_cache.h"

#include <algorithm>
#include <new>
#include <utility>

namespace retort {
namespace {

// Blocks of the sequence's own. A block holds every layer of kv_block_positions() positions:
//
//   block b: [layer][K or V][kv_head][position in block][head_dim]
//
// so that a run of one head is contiguous, and growing by one block is one allocation.
class OwnedKv final : public SequenceKv {
 public:
  OwnedKv(const ModelConfig& config, std::int64_t max_positions)
      : layers_(config.num_hidden_layers),
        kv_heads_(config.num_key_value_heads),
        head_dim_(config.head_dim),
        max_positions_(max_positions) {}

  [[nodiscard]] std::int64_t length() const override { return length_; }

  Status reserve(std::int64_t n) override {
    const std::int64_t wanted = length_ + n;
    if (wanted > max_positions_) {
      return fail(ErrorCode::kExhausted, "the KV cache holds {} positions but {} are needed", max_positions_, wanted);
    }
    const std::size_t blocks = (wanted + kv_block_positions() - 1) / kv_block_positions();
    const std::size_t before = blocks_.size();
    while (blocks_.size() < blocks) {
      std::unique_ptr<float[]> block(new (std::nothrow) float[block_elements()]);
      if (!block) {
        blocks_.resize(before);
        return fail(ErrorCode::kExhausted,
                    "no memory for a KV cache of {} positions ({} bytes each); lower "
                    "--max-model-len",
                    wanted, block_elements() * sizeof(float) / kv_block_positions());
      }
      blocks_.push_back(std::move(block));
    }
    return {};
  }

  Slot slot(std::int64_t layer, std::int64_t position) override {
    float* k = head(layer, 0, position);
    return {k, k + half_elements(), kv_block_positions() * head_dim_};
  }

  void advance(std::int64_t n) override { length_ += n; }

  void truncate(std::int64_t length) override {
    length_ = std::min(length_, length);
    blocks_.resize((length_ + kv_block_positions() - 1) / kv_block_positions());
  }

  [[nodiscard]] KvRun run(std::int64_t layer, std::int64_t kv_head, std::int64_t position,
                          std::int64_t end) const override {
    const float* k = head(layer, kv_head, position);
    const std::int64_t left = kv_block_positions() - position % kv_block_positions();
    return {k, k + half_elements(), std::min(left, end - position), head_dim_};
  }

 private:
  // Elements of K (or V) of one layer of one block.
  [[nodiscard]] std::int64_t half_elements() const { return kv_heads_ * kv_block_positions() * head_dim_; }
  [[nodiscard]] std::int64_t block_elements() const { return layers_ * 2 * half_elements(); }
  [[nodiscard]] float* head(std::int64_t layer, std::int64_t kv_head, std::int64_t position) const {
    float* block = blocks_[position / kv_block_positions()].get();
    return block + layer * 2 * half_elements() +
           (kv_head * kv_block_positions() + position % kv_block_positions()) * head_dim_;
  }

  std::int64_t layers_;
  std::int64_t kv_heads_;
  std::int64_t head_dim_;
  std::int64_t max_positions_;
  std::int64_t length_ = 0;
  std::vector<std::unique_ptr<float[]>> blocks_;
};

}  // namespace

std::unique_ptr<SequenceKv> make_sequence_kv(const ModelConfig& config, std::int64_t max_positions) {
  return std::make_unique<OwnedKv>(config, max_positions);
}

}  // namespace retort
