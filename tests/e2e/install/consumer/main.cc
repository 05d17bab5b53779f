// Tokenizes with a vocabulary of its own making, and writes and opens a tensor file in the folder that it is given.
#include <array>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/version.h"
#include "io/safetensors.h"
#include "text/tokenizer.h"

namespace {

// Three letters and one merge: "ab" is one token.
constexpr std::string_view kTokenizer = R"({
  "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3}, "merges": ["a b"]},
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false},
  "decoder": {"type": "ByteLevel"},
  "added_tokens": []
})";

int fail(const retort::Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return 1;
}

}  // namespace

int main(int, char** argv) {
  const auto tokenizer = retort::Tokenizer::from_json(kTokenizer, "", "consumer");
  if (!tokenizer) return fail(tokenizer.error());
  const auto ids = tokenizer->encode("abca");
  if (tokenizer->decode(ids) != "abca") return 1;

  const std::array<float, 2> values = {1.0F, 2.0F};
  const retort::TensorView view{.dtype = retort::DType::kF32,
                                .shape = retort::Shape{2},
                                .data = reinterpret_cast<const std::byte*>(values.data()),
                                .bytes = sizeof(values)};
  const std::filesystem::path path = std::filesystem::path(argv[1]) / "consumer.safetensors";
  const std::array tensors = {retort::NamedTensor{"values", view}};
  if (const auto written = retort::write_safetensors(path, tensors); !written) return fail(written.error());
  const auto opened = retort::open_safetensors(path);
  if (!opened) return fail(opened.error());

  std::printf("%s: %zu tokens, %zu tensor\n", std::string(retort::version()).c_str(), ids.size(),
              opened->tensors.size());
  return 0;
}
