#include <string>

#include "fuzz/seeds.h"
#include "io/packed_header.h"

namespace retort::fuzz {

void write_packed_seeds(const SeedWriter& seeds) {
  const std::string hash(64, '0');
  PackedHeader header;
  header.retort_version = "0.1.0";
  header.layout = 1;
  seeds.write("empty", packed_head(header));
  header.source = {{"m.gguf", 1000, 100, hash, hash, hash}};
  header.tensors = {{"a.weight", "P4", 16, 32, 0, 288}, {"b.weight", "P8", 3, 32, 320, 544}};
  header.payload_bytes = 896;
  header.chunk_hashes = {0};
  seeds.write("two", packed_head(header) + std::string(896, '\x3f'));
}

}  // namespace retort::fuzz
