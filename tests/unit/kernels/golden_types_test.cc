// Every tensor type of the golden GGUF file, read by the reader that models are read with, bit for bit.
#include <cstring>
#include <gtest/gtest.h>

#include "fixtures.h"
#include "io/gguf.h"
#include "io/safetensors.h"
#include "testing/shared_data.h"

namespace retort {
namespace {

using testing::bits_of;

class GoldenTypes : public testing::KernelTest {};
RETORT_FOR_ALL_TABLES(GoldenTypes);

TEST_P(GoldenTypes, EveryTensorTypeBitForBit) {
  RETORT_SHARED_OR_SKIP(folder, "data/golden/gguf");
  const auto gguf = GgufFile::open(folder / "types.gguf");
  ASSERT_TRUE(gguf) << gguf.error().message();
  const auto expected = open_safetensors(folder / "types_expected.safetensors");
  ASSERT_TRUE(expected) << expected.error().message();
  ASSERT_GE(gguf->tensors().size(), 14u);
  for (const GgufTensor& tensor : gguf->tensors()) {
    const auto want = expected->tensors.find(tensor.name);
    ASSERT_NE(want, expected->tensors.end()) << tensor.name;
    ASSERT_EQ(want->second.shape, tensor.shape);
    const std::int64_t n = tensor.shape.columns();
    const std::uint64_t bytes = *row_bytes(tensor.dtype, n);
    std::vector<float> out(n);
    std::vector<float> row(n);
    for (std::int64_t r = 0; r < tensor.shape.rows(); ++r) {
      table().dequantize[static_cast<int>(tensor.dtype)](tensor.data + r * bytes, out.data(), n);
      std::memcpy(row.data(), want->second.data + r * n * 4, n * sizeof(float));
      for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(bits_of(out[i]), bits_of(row[i])) << tensor.name << " row " << r;
    }
  }
}

}  // namespace
}  // namespace retort
