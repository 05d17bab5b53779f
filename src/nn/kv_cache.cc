#include "nn/kv_cache.h"

#include <algorithm>
#include <new>
#include <utility>

namespace retort {
namespace {

constexpr std::align_val_t kAlignment{64};

struct AlignedDelete {
  void operator()(std::byte* p) const { ::operator delete[](p, kAlignment); }
};

// Blocks of the sequence's own. One allocation holds all layers of 64 positions.
class OwnedKv final : public SequenceKv {
 public:
  OwnedKv(const ModelConfig& config, KvCacheType type, std::int64_t max_positions, const KvWindowOptions& window)
      : layouts_(config, type), max_positions_(max_positions) {
    if (window.mode != KvWindowMode::kConfig) windows_ = std::make_unique<KvWindows>(config, window);
    for (std::int64_t layer = 0; layer < layouts_.layers(); ++layer) {
      offsets_.push_back(bytes_);
      bytes_ += layouts_.block_bytes(layer);
    }
  }

  [[nodiscard]] const KvLayouts& layouts() const override { return layouts_; }
  [[nodiscard]] std::int64_t length() const override { return length_; }

  Status reserve(std::int64_t n) override {
    const std::int64_t wanted = length_ + n;
    if (wanted > max_positions_) {
      return fail(ErrorCode::kExhausted, "the KV cache holds {} positions but {} are needed", max_positions_, wanted);
    }
    const std::size_t blocks = (wanted + kKvBlockPositions - 1) / kKvBlockPositions;
    const std::size_t before = blocks_.size();
    while (blocks_.size() < blocks) {
      auto* block =
          static_cast<std::byte*>(::operator new[](static_cast<std::size_t>(bytes_), kAlignment, std::nothrow));
      if (block == nullptr) {
        blocks_.resize(before);
        return fail(ErrorCode::kExhausted,
                    "no memory for a KV cache of {} positions ({} bytes each); lower --max-model-len", wanted,
                    bytes_ / kKvBlockPositions);
      }
      blocks_.emplace_back(block);
    }
    return {};
  }

  void advance(std::int64_t n) override { length_ += n; }

  void truncate(std::int64_t length) override {
    RETORT_CHECK(windows_ == nullptr || length == 0, "a sequence with windows cannot go back to {} positions", length);
    if (windows_) windows_->reset();
    length_ = std::min(length_, length);
    blocks_.resize((length_ + kKvBlockPositions - 1) / kKvBlockPositions);
  }

  [[nodiscard]] std::byte* block(std::int64_t layer, std::int64_t index) const override {
    return blocks_[index].get() + offsets_[layer];
  }

  [[nodiscard]] KvWindows* windows() const override { return windows_.get(); }

 private:
  KvLayouts layouts_;
  std::unique_ptr<KvWindows> windows_;
  std::int64_t max_positions_;
  std::int64_t length_ = 0;
  std::vector<std::int64_t> offsets_;  // of each layer
  std::int64_t bytes_ = 0;
  std::vector<std::unique_ptr<std::byte[], AlignedDelete>> blocks_;
};

bool is_narrow(KvCacheType type) { return type == KvCacheType::kFp8E4m3 || type == KvCacheType::kInt8; }

}  // namespace

KvLayouts::KvLayouts(const ModelConfig& config, KvCacheType type, std::int64_t edge_layers)
    : kv_heads_(config.num_key_value_heads) {
  const std::int64_t count = config.num_hidden_layers;
  for (std::int64_t i = 0; i < count; ++i) {
    const bool edge = i < edge_layers || i >= count - edge_layers;
    layers_.push_back(kv_block_layout(edge && is_narrow(type) ? KvCacheType::kBf16 : type, config.head_dim));
  }
}

std::int64_t KvLayouts::logical_block_bytes() const {
  std::int64_t bytes = 0;
  for (std::int64_t i = 0; i < layers(); ++i) bytes += block_bytes(i);
  return bytes;
}

std::unique_ptr<SequenceKv> make_sequence_kv(const ModelConfig& config, KvCacheType type, std::int64_t max_positions,
                                             const KvWindowOptions& window) {
  return std::make_unique<OwnedKv>(config, type, max_positions, window);
}

}  // namespace retort
