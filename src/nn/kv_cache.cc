#include "nn/kv_cache.h"

#include <algorithm>
#include <utility>

#include "core/pages.h"

namespace retort {
namespace {

constexpr std::int64_t kSlabBytes = 16 << 20;  // taken from the system at a time, so that huge pages can back it

// Blocks of the sequence's own. A slab holds all layers of some times 64 positions.
class OwnedKv final : public SequenceKv {
 public:
  OwnedKv(const ModelConfig& config, KvCacheType type, std::int64_t max_positions, const KvWindowOptions& window)
      : layouts_(config, type), max_positions_(max_positions) {
    if (window.mode != KvWindowMode::kConfig) windows_ = std::make_unique<KvWindows>(config, window);
    for (std::int64_t layer = 0; layer < layouts_.layers(); ++layer) {
      offsets_.push_back(bytes_);
      bytes_ += layouts_.block_bytes(layer);
    }
    slab_blocks_ =
        std::clamp<std::int64_t>(kSlabBytes / bytes_, 1, std::max<std::int64_t>(blocks_of(max_positions), 1));
  }

  [[nodiscard]] const KvLayouts& layouts() const override { return layouts_; }
  [[nodiscard]] std::int64_t length() const override { return length_; }

  Status reserve(std::int64_t n) override {
    const std::int64_t wanted = length_ + n;
    if (wanted > max_positions_) {
      return fail(ErrorCode::kExhausted, "the KV cache holds {} positions but {} are needed", max_positions_, wanted);
    }
    const std::int64_t blocks = blocks_of(wanted);
    while (static_cast<std::int64_t>(slabs_.size()) * slab_blocks_ < blocks) {
      auto slab = Pages::allocate(static_cast<std::size_t>(slab_blocks_ * bytes_));
      if (!slab) {
        truncate_slabs();
        return fail(ErrorCode::kExhausted,
                    "no memory for a KV cache of {} positions ({} bytes each); lower --max-model-len", wanted,
                    bytes_ / kKvBlockPositions);
      }
      slabs_.push_back(std::move(*slab));
    }
    return {};
  }

  void advance(std::int64_t n) override { length_ += n; }

  void truncate(std::int64_t length) override {
    RETORT_CHECK(windows_ == nullptr || length == 0, "a sequence with windows cannot go back to {} positions", length);
    if (windows_) windows_->reset();
    length_ = std::min(length_, length);
    truncate_slabs();
  }

  [[nodiscard]] std::byte* block(std::int64_t layer, std::int64_t index) const override {
    return slabs_[index / slab_blocks_].data() + index % slab_blocks_ * bytes_ + offsets_[layer];
  }

  [[nodiscard]] KvWindows* windows() const override { return windows_.get(); }

 private:
  static std::int64_t blocks_of(std::int64_t positions) {
    return (positions + kKvBlockPositions - 1) / kKvBlockPositions;
  }
  /// Gives back the slabs that hold nothing of what was computed.
  void truncate_slabs() {
    const auto needed = static_cast<std::size_t>((blocks_of(length_) + slab_blocks_ - 1) / slab_blocks_);
    while (slabs_.size() > needed) slabs_.pop_back();
  }

  KvLayouts layouts_;
  std::unique_ptr<KvWindows> windows_;
  std::int64_t max_positions_;
  std::int64_t length_ = 0;
  std::vector<std::int64_t> offsets_;  // of each layer
  std::int64_t bytes_ = 0;
  std::int64_t slab_blocks_ = 1;
  std::vector<Pages> slabs_;
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
