// One sequence's keys and values, as its block tables find them in the pool.
#pragma once

#include "engine/block_pool.h"
#include "nn/kv_pool.h"

namespace retort {

/// A view for one step: the scheduler owns the tables and has made room for the step's positions. Does not own.
class PagedKv final : public SequenceKv {
 public:
  /// `windows`: the sequence's, or null.
  PagedKv(const KvPool& memory, const BlockPool& blocks, PoolSlot slot, std::int64_t length,
          KvWindows* windows = nullptr)
      : memory_(memory), blocks_(blocks), slot_(slot), length_(length), windows_(windows) {}

  [[nodiscard]] const KvLayouts& layouts() const override { return memory_.layouts(); }
  [[nodiscard]] std::int64_t length() const override { return length_; }
  /// kExhausted where the tables have no room: a mistake of the scheduler's.
  Status reserve(std::int64_t n) override;
  void advance(std::int64_t n) override { length_ += n; }
  void truncate(std::int64_t length) override { length_ = std::min(length_, length); }
  [[nodiscard]] std::byte* block(std::int64_t layer, std::int64_t index) const override;
  [[nodiscard]] KvWindows* windows() const override { return windows_; }

 private:
  const KvPool& memory_;
  const BlockPool& blocks_;
  PoolSlot slot_;
  std::int64_t length_;
  KvWindows* windows_;
};

}  // namespace retort
