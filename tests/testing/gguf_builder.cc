#include "testing/gguf_builder.h"

#include <cstring>

namespace retort::testing {
namespace {

template <typename T>
void append(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void append_string(std::string& out, std::string_view text) {
  append(out, std::uint64_t{text.size()});
  out.append(text);
}

void pad(std::string& out, std::uint32_t alignment) {
  while (alignment != 0 && out.size() % alignment != 0) out.push_back('\0');
}

constexpr std::uint32_t kF32 = 0;

void add_layer(GgufBuilder& file, std::string_view architecture, int layer) {
  const std::string prefix = "blk." + std::to_string(layer) + ".";
  const auto add = [&](std::string_view name, const std::vector<std::uint64_t>& dims) {
    file.f32_tensor(prefix + std::string(name), dims);
  };
  add("attn_norm.weight", {8});
  add("attn_q.weight", {8, 8});
  add("attn_k.weight", {4, 8});
  add("attn_v.weight", {4, 8});
  add("attn_output.weight", {8, 8});
  add("ffn_norm.weight", {8});
  if (architecture == "qwen3") {
    add("attn_q_norm.weight", {4});
    add("attn_k_norm.weight", {4});
  } else {
    add("attn_q.bias", {8});
    add("attn_k.bias", {4});
    add("attn_v.bias", {4});
  }
  if (architecture != "qwen2moe") {
    add("ffn_gate.weight", {12, 8});
    add("ffn_up.weight", {12, 8});
    add("ffn_down.weight", {8, 12});
    return;
  }
  add("ffn_gate_inp.weight", {3, 8});
  add("ffn_gate_exps.weight", {3, 6, 8});
  add("ffn_up_exps.weight", {3, 6, 8});
  add("ffn_down_exps.weight", {3, 8, 6});
  add("ffn_gate_inp_shexp.weight", {8});
  add("ffn_gate_shexp.weight", {10, 8});
  add("ffn_up_shexp.weight", {10, 8});
  add("ffn_down_shexp.weight", {8, 10});
}

}  // namespace

GgufBuilder& GgufBuilder::pair(std::string_view key, std::uint32_t type, const void* value, std::size_t bytes) {
  return raw(key, type, {static_cast<const char*>(value), bytes});
}

GgufBuilder& GgufBuilder::raw(std::string_view key, std::uint32_t type, std::string_view value) {
  append_string(pairs_, key);
  append(pairs_, type);
  pairs_.append(value);
  ++pair_count_;
  return *this;
}

GgufBuilder& GgufBuilder::u8(std::string_view key, std::uint8_t value) { return pair(key, 0, &value, sizeof(value)); }
GgufBuilder& GgufBuilder::i8(std::string_view key, std::int8_t value) { return pair(key, 1, &value, sizeof(value)); }
GgufBuilder& GgufBuilder::u16(std::string_view key, std::uint16_t value) { return pair(key, 2, &value, sizeof(value)); }
GgufBuilder& GgufBuilder::i16(std::string_view key, std::int16_t value) { return pair(key, 3, &value, sizeof(value)); }
GgufBuilder& GgufBuilder::u32(std::string_view key, std::uint32_t value) { return pair(key, 4, &value, sizeof(value)); }
GgufBuilder& GgufBuilder::i32(std::string_view key, std::int32_t value) { return pair(key, 5, &value, sizeof(value)); }
GgufBuilder& GgufBuilder::f32(std::string_view key, float value) { return pair(key, 6, &value, sizeof(value)); }
GgufBuilder& GgufBuilder::boolean(std::string_view key, std::uint8_t value) {
  return pair(key, 7, &value, sizeof(value));
}
GgufBuilder& GgufBuilder::u64(std::string_view key, std::uint64_t value) {
  return pair(key, 10, &value, sizeof(value));
}
GgufBuilder& GgufBuilder::i64(std::string_view key, std::int64_t value) { return pair(key, 11, &value, sizeof(value)); }
GgufBuilder& GgufBuilder::f64(std::string_view key, double value) { return pair(key, 12, &value, sizeof(value)); }

GgufBuilder& GgufBuilder::string(std::string_view key, std::string_view value) {
  std::string bytes;
  append_string(bytes, value);
  return raw(key, 8, bytes);
}

GgufBuilder& GgufBuilder::strings(std::string_view key, const std::vector<std::string>& values) {
  std::string bytes;
  append(bytes, std::uint32_t{8});
  append(bytes, std::uint64_t{values.size()});
  for (const std::string& value : values) append_string(bytes, value);
  return raw(key, 9, bytes);
}

GgufBuilder& GgufBuilder::i32s(std::string_view key, const std::vector<std::int32_t>& values) {
  std::string bytes;
  append(bytes, std::uint32_t{5});
  append(bytes, std::uint64_t{values.size()});
  for (const std::int32_t value : values) append(bytes, value);
  return raw(key, 9, bytes);
}

GgufBuilder& GgufBuilder::tensor_at(std::string_view name, std::uint32_t type, const std::vector<std::uint64_t>& dims,
                                    std::uint64_t offset) {
  append_string(tensors_, name);
  append(tensors_, static_cast<std::uint32_t>(dims.size()));
  for (auto dim = dims.rbegin(); dim != dims.rend(); ++dim) append(tensors_, *dim);
  append(tensors_, type);
  append(tensors_, offset);
  ++tensor_count_;
  return *this;
}

GgufBuilder& GgufBuilder::tensor(std::string_view name, std::uint32_t type, const std::vector<std::uint64_t>& dims,
                                 std::string_view data) {
  pad(data_, alignment_);
  tensor_at(name, type, dims, data_.size());
  data_.append(data);
  return *this;
}

GgufBuilder& GgufBuilder::f32_tensor(std::string_view name, const std::vector<std::uint64_t>& dims) {
  std::uint64_t elements = 1;
  for (const std::uint64_t dim : dims) elements *= dim;
  std::string data;
  for (std::uint64_t i = 0; i < elements; ++i) {
    append(data, static_cast<float>((i * 7 + name.size() * 3) % 11) * 0.125F - 0.5F);
  }
  return tensor(name, kF32, dims, data);
}

GgufBuilder& GgufBuilder::alignment(std::uint32_t bytes) {
  alignment_ = bytes;
  return bytes == 32 ? *this : u32("general.alignment", bytes);
}

GgufBuilder& GgufBuilder::version(std::uint32_t number) {
  version_ = number;
  return *this;
}

GgufBuilder& GgufBuilder::claim_pairs(std::uint64_t count) {
  pair_count_ = count;
  return *this;
}

GgufBuilder& GgufBuilder::claim_tensors(std::uint64_t count) {
  tensor_count_ = count;
  return *this;
}

std::string GgufBuilder::build_header() const {
  std::string out = "GGUF";
  append(out, version_);
  append(out, tensor_count_);
  append(out, pair_count_);
  return out + pairs_ + tensors_;
}

std::string GgufBuilder::build() const {
  std::string out = build_header();
  pad(out, alignment_);
  return out + data_;
}

GgufBuilder tiny_gguf(TinyGgufOptions options) {
  const std::string architecture(options.architecture);
  const auto key = [&](std::string_view name) { return architecture + "." + std::string(name); };
  GgufBuilder file;
  file.string("general.architecture", architecture).string("general.name", "tiny");
  file.u32(key("block_count"), 2).u32(key("context_length"), 64).u32(key("embedding_length"), 8);
  file.u32(key("feed_forward_length"), 12).u32(key("attention.head_count"), 2).u32(key("attention.head_count_kv"), 1);
  file.f32(key("rope.freq_base"), 10000.0F).f32(key("attention.layer_norm_rms_epsilon"), 1e-6F);
  if (architecture == "qwen2moe") {
    file.u32(key("expert_count"), 3).u32(key("expert_used_count"), 2).u32(key("expert_feed_forward_length"), 6);
    file.u32(key("expert_shared_feed_forward_length"), 10);
  }
  if (architecture == "qwen3") file.u32(key("attention.key_length"), 4).u32(key("attention.value_length"), 4);
  std::vector<std::string> tokens;
  for (char c = 'a'; c < 'a' + 13; ++c) tokens.emplace_back(1, c);
  tokens.insert(tokens.end(), {"ab", "<start>", "<end>"});
  std::vector<std::int32_t> types(14, 1);
  types.insert(types.end(), {3, 3});
  file.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", "qwen2");
  file.strings("tokenizer.ggml.tokens", tokens).i32s("tokenizer.ggml.token_type", types);
  file.strings("tokenizer.ggml.merges", {"a b"});
  file.u32("tokenizer.ggml.bos_token_id", 14).u32("tokenizer.ggml.eos_token_id", 15);
  file.boolean("tokenizer.ggml.add_bos_token", 0);
  file.string("tokenizer.chat_template", "{% for m in messages %}{{ m['content'] }}{% endfor %}");
  file.f32_tensor("token_embd.weight", {16, 8});
  for (int layer = 0; layer < 2; ++layer) add_layer(file, architecture, layer);
  file.f32_tensor("output_norm.weight", {8});
  if (!options.tied) file.f32_tensor("output.weight", {16, 8});
  return file;
}

}  // namespace retort::testing
