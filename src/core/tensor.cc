#include "core/tensor.h"

#include <algorithm>

#include "core/error.h"

namespace retort {

Shape::Shape(std::initializer_list<std::int64_t> dims) {
  const auto shape = from({dims.begin(), dims.size()});
  RETORT_CHECK(shape.has_value(), "a shape of {} dimensions", dims.size());
  *this = *shape;
}

std::optional<Shape> Shape::from(std::span<const std::int64_t> dims) {
  if (dims.size() > kMaxRank) return std::nullopt;
  Shape shape;
  std::int64_t elements = 1;
  for (const std::int64_t dim : dims) {
    if (dim < 0) return std::nullopt;
    // An empty tensor may not hide an overflow of the other dimensions: rows() would meet it.
    if (dim > 0 && __builtin_mul_overflow(elements, dim, &elements)) return std::nullopt;
    shape.dims_[shape.rank_++] = dim;
  }
  return shape;
}

std::int64_t Shape::elements() const { return rank_ == 0 ? 1 : rows() * dims_[rank_ - 1]; }

std::int64_t Shape::rows() const {
  std::int64_t rows = 1;
  for (std::size_t i = 0; i + 1 < rank_; ++i) rows *= dims_[i];
  return rows;
}

bool operator==(const Shape& a, const Shape& b) { return std::ranges::equal(a.dims(), b.dims()); }

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape.dims(), ", ")); }

std::optional<std::uint64_t> tensor_bytes(DType dtype, const Shape& shape) {
  const auto per_row = row_bytes(dtype, static_cast<std::uint64_t>(shape.columns()));
  std::uint64_t bytes = 0;
  if (!per_row || __builtin_mul_overflow(*per_row, static_cast<std::uint64_t>(shape.rows()), &bytes)) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace retort
