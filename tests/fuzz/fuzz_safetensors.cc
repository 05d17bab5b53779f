// Any bytes as a safetensors file: an error, or views that lie within the bytes.
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>

#include "core/error.h"
#include "io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto file = retort::parse_safetensors(bytes, "input");
  if (!file) return 0;
  unsigned sum = 0;
  for (const auto& [name, view] : file->tensors) {
    RETORT_CHECK(retort::tensor_bytes(view.dtype, view.shape) == view.bytes);
    // Every byte is touched, so that AddressSanitizer sees a view that leaves the input.
    for (std::uint64_t i = 0; i < view.bytes; ++i) sum += std::to_integer<unsigned>(view.data[i]);
  }
  volatile unsigned sink = sum;
  static_cast<void>(sink);
  return 0;
}
