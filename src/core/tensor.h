// A tensor that someone else owns: a dtype, a shape, a pointer. Row-major, the last dimension contiguous, as
// safetensors and numpy have it (GGUF lists dimensions the other way round; its reader reverses them).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "core/dtype.h"

namespace retort {

/// Up to kMaxRank dimensions, outermost first.
class Shape {
 public:
  static constexpr std::size_t kMaxRank = 8;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims);
  /// nullopt if there are more than kMaxRank dimensions, a negative one, or more elements than int64 counts.
  static std::optional<Shape> from(std::span<const std::int64_t> dims);

  [[nodiscard]] std::size_t rank() const { return rank_; }
  [[nodiscard]] std::int64_t operator[](std::size_t i) const { return dims_[i]; }
  [[nodiscard]] std::span<const std::int64_t> dims() const { return {dims_.data(), rank_}; }
  /// Product of the dimensions; 1 for a scalar.
  [[nodiscard]] std::int64_t elements() const;
  /// Size of the last dimension; 1 for a scalar.
  [[nodiscard]] std::int64_t columns() const { return rank_ == 0 ? 1 : dims_[rank_ - 1]; }
  /// Product of all dimensions but the last.
  [[nodiscard]] std::int64_t rows() const;
  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<std::int64_t, kMaxRank> dims_{};
  std::size_t rank_ = 0;
};

/// "[2, 96, 512]"
std::string to_string(const Shape& shape);

/// Does not own `data`; whoever made the view says how long it lives. `bytes` is exactly what dtype and shape need.
/// No alignment is promised: files place tensors where they like.
struct TensorView {
  DType dtype = DType::kF32;
  Shape shape;
  const std::byte* data = nullptr;
  std::uint64_t bytes = 0;

  [[nodiscard]] std::int64_t rows() const { return shape.rows(); }
  [[nodiscard]] std::int64_t columns() const { return shape.columns(); }
};

/// Bytes that dtype and shape need, or nullopt where rows do not fill whole blocks or the product overflows.
std::optional<std::uint64_t> tensor_bytes(DType dtype, const Shape& shape);

}  // namespace retort
