// Tokenizes with a vocabulary of its own making, and writes and opens a tensor file in the folder that it is given.
#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

#include "core/version.h"
#include "io/safetensors.h"
#include "text/tokenizer.h"

namespace {

// Byte-level BPE writes a byte as a printable character: itself where it is one in Latin-1, else the next from U+0100.
std::string byte_character(int byte, int& next) {
  const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  const int code = printable ? byte : next++;
  if (code < 128) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

// All bytes and one merge: "ab" is one token.
std::string tokenizer_json() {
  std::string vocab;
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    std::string character = byte_character(byte, next);
    if (character == "\"" || character == "\\") character.insert(0, "\\");
    vocab += "\"" + character + "\": " + std::to_string(byte) + ", ";
  }
  return R"({"model": {"type": "BPE", "vocab": {)" + vocab + R"("ab": 256}, "merges": ["a b"]},
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false},
    "decoder": {"type": "ByteLevel"}, "added_tokens": []})";
}

int give_up(const retort::Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return 1;
}

}  // namespace

int main(int, char** argv) {
  const auto tokenizer = retort::Tokenizer::from_json(tokenizer_json(), "", "consumer");
  if (!tokenizer) return give_up(tokenizer.error());
  const auto ids = tokenizer->encode("abca");
  if (tokenizer->decode(ids) != "abca") return 1;

  const std::array<float, 2> values = {1.0F, 2.0F};
  const retort::TensorView view{.dtype = retort::DType::kF32,
                                .shape = retort::Shape{2},
                                .data = reinterpret_cast<const std::byte*>(values.data()),
                                .bytes = sizeof(values)};
  const std::filesystem::path path = std::filesystem::path(argv[1]) / "consumer.safetensors";
  const std::array tensors = {retort::NamedTensor{"values", view}};
  if (const auto written = retort::write_safetensors(path, tensors); !written) return give_up(written.error());
  const auto opened = retort::open_safetensors(path);
  if (!opened) return give_up(opened.error());

  std::printf("%s: %zu tokens, %zu tensor\n", std::string(retort::version()).c_str(), ids.size(),
              opened->tensors.size());
  return 0;
}
