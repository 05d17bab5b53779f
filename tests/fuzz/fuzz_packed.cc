// Any bytes as a packed file: an error, or tensors that tile a payload that ends with the file. The hash of the header
// is made right first, or the fuzzer would never come past it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/error.h"
#include "io/fast_hash.h"
#include "io/packed_header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> bytes(begin, begin + size);
  const auto head = retort::packed_head_bytes({bytes.data(), std::min<std::size_t>(size, 32)}, size, "input");
  if (head && *head >= 32) {
    const std::uint64_t hash = retort::fast_hash(std::span(bytes).first(*head).subspan(32));
    std::memcpy(bytes.data() + 24, &hash, sizeof(hash));
  }
  const auto header = retort::parse_packed_header(bytes, size, "input");
  if (!header) return 0;
  RETORT_CHECK(header->payload_offset + header->payload_bytes == size);
  std::uint64_t end = 0;
  for (const retort::PackedTensor& tensor : header->tensors) {
    RETORT_CHECK(tensor.offset >= end && tensor.bytes <= header->payload_bytes - tensor.offset);
    end = tensor.offset + tensor.bytes;
  }
  return 0;
}
