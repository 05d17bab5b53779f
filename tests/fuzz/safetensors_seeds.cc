#include <cstdint>
#include <cstring>
#include <string>

#include "fuzz/seeds.h"

namespace retort::fuzz {
namespace {

std::string file(std::string_view header, std::size_t data_bytes) {
  std::uint64_t length = header.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, sizeof(length));
  out.append(header);
  return out + std::string(data_bytes, '\x3f');
}

}  // namespace

void write_safetensors_seeds(const SeedWriter& seeds) {
  seeds.write("empty", file("{}", 0));
  seeds.write("one", file(R"({"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})", 24));
  seeds.write("several",
              file(R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]},)"
                   R"("b":{"dtype":"BF16","shape":[1],"data_offsets":[8,10]},)"
                   R"("c":{"dtype":"I8","shape":[],"data_offsets":[10,11]},)"
                   R"("d":{"dtype":"F8_E4M3","shape":[0,7],"data_offsets":[11,11]}}   )",
                   11));
  seeds.write("wide", file(R"({"i":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
                           R"("j":{"dtype":"BOOL","shape":[1,1,1,1,1,1,1,1],"data_offsets":[8,9]}})",
                           9));
}

}  // namespace retort::fuzz
