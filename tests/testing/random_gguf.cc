#include "testing/random_gguf.h"

#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <limits>
#include <random>
#include <vector>

#include "core/dtype.h"
#include "core/float_bits.h"
#include "testing/gguf_builder.h"

namespace retort::testing {
namespace {

constexpr std::uint64_t kHidden = 256;
constexpr std::uint64_t kInner = 512;
constexpr std::uint64_t kKeys = 64;
constexpr std::uint64_t kVocabulary = 96;

// A type of GGUF, where in a block its fp16 scales stand, and scales that bring weights to a size of about 0.06.
struct Kind {
  DType dtype;
  std::uint32_t type;
  std::vector<std::pair<std::size_t, float>> scales;
};
const Kind kQ4_0{DType::kQ4_0, 2, {{0, 0.012f}}};
const Kind kQ5_0{DType::kQ5_0, 6, {{0, 0.006f}}};
const Kind kQ8_0{DType::kQ8_0, 8, {{0, 0.0008f}}};
const Kind kQ4_K{DType::kQ4_K, 12, {{0, 0.0003f}, {2, 0.0022f}}};
const Kind kQ5_K{DType::kQ5_K, 13, {{0, 0.00015f}, {2, 0.0022f}}};
const Kind kQ6_K{DType::kQ6_K, 14, {{208, 0.00005f}}};

class RandomModel {
 public:
  explicit RandomModel(const RandomGguf& options) : options_(options), random_(options.seed) {}

  std::string build() {
    file_.string("general.architecture", "qwen2").string("general.name", "random");
    file_.u32("qwen2.block_count", static_cast<std::uint32_t>(options_.layers));
    file_.u32("qwen2.context_length", static_cast<std::uint32_t>(options_.context));
    file_.u32("qwen2.embedding_length", kHidden).u32("qwen2.feed_forward_length", kInner);
    file_.u32("qwen2.attention.head_count", 8).u32("qwen2.attention.head_count_kv", 2);
    file_.f32("qwen2.rope.freq_base", 10000.0f).f32("qwen2.attention.layer_norm_rms_epsilon", 1e-6f);
    std::vector<std::string> tokens;
    for (std::uint64_t i = 0; i < kVocabulary; ++i) tokens.push_back(fmt::format("t{}", i));
    file_.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", "qwen2");
    file_.strings("tokenizer.ggml.tokens", tokens);
    file_.i32s("tokenizer.ggml.token_type", std::vector<std::int32_t>(kVocabulary, 1));
    file_.strings("tokenizer.ggml.merges", {});
    file_.u32("tokenizer.ggml.eos_token_id", 0);
    matrix("token_embd.weight", kQ8_0, kVocabulary, kHidden, 12.0f);
    for (std::int64_t i = 0; i < options_.layers; ++i) layer(i);
    vector("output_norm.weight", kHidden, 1.0f, 0.1f);
    matrix("output.weight", kQ6_K, kVocabulary, kHidden, 4.0f);
    return file_.build();
  }

 private:
  void layer(std::int64_t i) {
    const auto name = [&](const char* part) { return fmt::format("blk.{}.{}", i, part); };
    vector(name("attn_norm.weight"), kHidden, 1.0f, 0.1f);
    matrix(name("attn_q.weight"), kQ4_K, kHidden, kHidden);
    matrix(name("attn_k.weight"), kQ5_K, kKeys, kHidden);
    matrix(name("attn_v.weight"), kQ6_K, kKeys, kHidden);
    vector(name("attn_q.bias"), kHidden, 0.0f, 1.0f);
    vector(name("attn_k.bias"), kKeys, 0.0f, 3.0f);
    vector(name("attn_v.bias"), kKeys, 0.0f, 0.3f);
    matrix(name("attn_output.weight"), kQ5_0, kHidden, kHidden);
    vector(name("ffn_norm.weight"), kHidden, 1.0f, 0.1f);
    matrix(name("ffn_gate.weight"), kQ4_K, kInner, kHidden);
    matrix(name("ffn_up.weight"), kQ4_0, kInner, kHidden);
    matrix(name("ffn_down.weight"), kQ8_0, kHidden, kInner, 1.0f, i == options_.broken_layer);
  }

  void vector(const std::string& name, std::uint64_t n, float mean, float spread) {
    std::normal_distribution<float> normal(mean, spread);
    std::string data;
    for (std::uint64_t i = 0; i < n; ++i) {
      const float value = normal(random_);
      data.append(reinterpret_cast<const char*>(&value), sizeof(value));
    }
    file_.tensor(name, 0, {n}, data);
  }

  void matrix(const std::string& name, const Kind& kind, std::uint64_t rows, std::uint64_t columns, float size = 1.0f,
              bool broken = false) {
    std::string data(rows * *row_bytes(kind.dtype, columns), '\0');
    std::uniform_int_distribution<int> byte(0, 255);
    for (char& c : data) c = static_cast<char>(byte(random_));
    std::uniform_real_distribution<float> factor(0.7f, 1.3f);
    for (std::size_t block = 0; block < data.size(); block += dtype_info(kind.dtype).block_bytes) {
      for (const auto& [offset, scale] : kind.scales) put(data, block + offset, scale * size * factor(random_));
    }
    if (broken) put(data, 0, std::numeric_limits<float>::infinity());
    file_.tensor(name, kind.type, {rows, columns}, data);
  }

  static void put(std::string& data, std::size_t offset, float value) {
    const std::uint16_t bits = float_to_f16(value);
    std::memcpy(data.data() + offset, &bits, sizeof(bits));
  }

  const RandomGguf& options_;
  std::mt19937 random_;
  GgufBuilder file_;
};

}  // namespace

bool write_random_gguf(const std::filesystem::path& file, const RandomGguf& model) {
  std::ofstream out(file, std::ios::binary);
  out << RandomModel(model).build();
  return static_cast<bool>(out.flush());
}

}  // namespace retort::testing
