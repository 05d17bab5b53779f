#include "core/tensor.h"

#include <gtest/gtest.h>
#include <limits>

namespace retort {
namespace {

TEST(Shape, CountsRowsColumnsAndElements) {
  const Shape shape{2, 96, 512};
  EXPECT_EQ(shape.elements(), 2 * 96 * 512);
  EXPECT_EQ(shape.rows(), 2 * 96);
  EXPECT_EQ(shape.columns(), 512);
  EXPECT_EQ(to_string(shape), "[2, 96, 512]");
  EXPECT_EQ(Shape{}.elements(), 1);
  EXPECT_EQ((Shape{0, 5}).elements(), 0);
}

TEST(Shape, RefusesWhatCannotBeCounted) {
  const std::int64_t huge = std::int64_t{1} << 40;
  EXPECT_FALSE(Shape::from(std::vector<std::int64_t>{huge, huge}));
  EXPECT_FALSE(Shape::from(std::vector<std::int64_t>{huge, huge, 0})) << "a zero does not hide the overflow";
  EXPECT_FALSE(Shape::from(std::vector<std::int64_t>{-1}));
  EXPECT_FALSE(Shape::from(std::vector<std::int64_t>(9, 1)));
}

TEST(Dtype, BlocksAndBytes) {
  EXPECT_EQ(row_bytes(DType::kQ4_K, 512), 288);
  EXPECT_EQ(row_bytes(DType::kQ4_K, 500), std::nullopt);
  EXPECT_EQ(tensor_bytes(DType::kQ8_0, {3, 64}), 3 * 68);
  EXPECT_EQ(row_bytes(DType::kF64, std::numeric_limits<std::uint64_t>::max()), std::nullopt);
  for (std::size_t i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(dtype_from_name(to_string(dtype)), dtype);
  }
  EXPECT_EQ(dtype_from_name("F7"), std::nullopt);
}

}  // namespace
}  // namespace retort
