#include "testing/tiny_checkpoint.h"

#include <fstream>
#include <limits>
#include <map>
#include <random>

#include "core/json.h"
#include "io/safetensors.h"

namespace retort::testing {
namespace {

struct Weights {
  std::map<std::string, std::pair<Shape, std::vector<float>>> tensors;

  std::vector<float>& add(const std::string& name, Shape shape, float value) {
    auto& tensor = tensors[name];
    tensor = {shape, std::vector<float>(shape.elements(), value)};
    return tensor.second;
  }
  [[nodiscard]] bool write(const std::filesystem::path& path) const {
    std::vector<NamedTensor> views;
    for (const auto& [name, tensor] : tensors) {
      const auto& [shape, values] = tensor;
      views.push_back(
          {name, {DType::kF32, shape, reinterpret_cast<const std::byte*>(values.data()), values.size() * 4}});
    }
    return write_safetensors(path, views).has_value();
  }
};

constexpr std::int64_t kHeads = 2;
constexpr std::int64_t kKvHeads = 1;

Weights zero_weights(const TinyModel& model) {
  Weights weights;
  const std::int64_t hidden = model.hidden_size;
  weights.add("model.embed_tokens.weight", {model.vocab_size, hidden}, 0);
  weights.add("lm_head.weight", {model.vocab_size, hidden}, 0);
  weights.add("model.norm.weight", {hidden}, 1);
  for (std::int64_t i = 0; i < model.layers; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    weights.add(layer + "input_layernorm.weight", {hidden}, 1);
    weights.add(layer + "post_attention_layernorm.weight", {hidden}, 1);
    const auto projection = [&](const char* name, std::int64_t rows) {
      weights.add(layer + "self_attn." + name + "_proj.weight", {rows, hidden}, 0);
      weights.add(layer + "self_attn." + name + "_proj.bias", {rows}, 0);
    };
    projection("q", kHeads * model.head_dim);
    projection("k", kKvHeads * model.head_dim);
    projection("v", kKvHeads * model.head_dim);
    weights.add(layer + "self_attn.o_proj.weight", {hidden, kHeads * model.head_dim}, 0);
    weights.add(layer + "mlp.gate_proj.weight", {model.intermediate_size, hidden}, 0);
    weights.add(layer + "mlp.up_proj.weight", {model.intermediate_size, hidden}, 0);
    weights.add(layer + "mlp.down_proj.weight", {hidden, model.intermediate_size}, 0);
  }
  return weights;
}

bool write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  return static_cast<bool>(file.flush());
}

bool write_config(const std::filesystem::path& folder, const TinyModel& model, std::int64_t eos) {
  const Json config = {{"architectures", {"Qwen2ForCausalLM"}},
                       {"model_type", "qwen2"},
                       {"hidden_act", "silu"},
                       {"vocab_size", model.vocab_size},
                       {"hidden_size", model.hidden_size},
                       {"intermediate_size", model.intermediate_size},
                       {"num_hidden_layers", model.layers},
                       {"num_attention_heads", kHeads},
                       {"num_key_value_heads", kKvHeads},
                       {"head_dim", model.head_dim},
                       {"max_position_embeddings", model.max_position_embeddings},
                       {"rms_norm_eps", 1e-6},
                       {"rope_theta", 10000.0},
                       {"rope_scaling", Json::parse(model.rope_scaling)},
                       {"tie_word_embeddings", false},
                       {"eos_token_id", eos},
                       {"torch_dtype", "float32"}};
  return write_text(folder / "config.json", config.dump(1));
}

void append_utf8(std::string& text, std::uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else {  // all that is needed here is below 0x800
    text += static_cast<char>(0xC0 | (code >> 6));
    text += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// Byte-level BPE spells each byte as one printable character: printable Latin-1 as itself, the 68 others from 256 on.
std::string byte_character(int byte) {
  const auto printable = [](int b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174; };
  std::uint32_t code = static_cast<std::uint32_t>(byte);
  if (!printable(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += printable(b) ? 0 : 1;
  }
  std::string text;
  append_utf8(text, code);
  return text;
}

// Ids: 0-255 the bytes, 256 <|end|>, 257 <|say|>, 258 <|ask|>, then the pieces and the opening.
constexpr std::int64_t kEnd = 256;
constexpr std::int64_t kSay = 257;
constexpr std::int64_t kFirstPiece = 259;

Json added_token(std::int64_t id, const std::string& text, bool special) {
  return {{"id", id},        {"content", text},     {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", special}};
}

bool write_tokenizer(const std::filesystem::path& folder, const std::vector<std::string>& pieces) {
  Json vocab = Json::object();
  for (int byte = 0; byte < 256; ++byte) vocab[byte_character(byte)] = byte;
  Json added = {added_token(kEnd, "<|end|>", true), added_token(kSay, "<|say|>", true),
                added_token(kSay + 1, "<|ask|>", true)};
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    added.push_back(added_token(kFirstPiece + static_cast<std::int64_t>(i), pieces[i], false));
  }
  const Json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", false}};
  const Json tokenizer = {{"version", "1.0"},
                          {"truncation", nullptr},
                          {"padding", nullptr},
                          {"added_tokens", added},
                          {"normalizer", {{"type", "NFC"}}},
                          {"pre_tokenizer",
                           {{"type", "Sequence"},
                            {"pretokenizers",
                             {{{"type", "Split"},
                               {"pattern", {{"Regex", R"(\s+|\p{L}+|[^\s\p{L}]+)"}}},
                               {"behavior", "Isolated"},
                               {"invert", false}},
                              byte_level}}}},
                          {"post_processor", byte_level},
                          {"decoder", byte_level},
                          {"model",
                           {{"type", "BPE"},
                            {"dropout", nullptr},
                            {"unk_token", nullptr},
                            {"continuing_subword_prefix", ""},
                            {"end_of_word_suffix", ""},
                            {"fuse_unk", false},
                            {"byte_fallback", false},
                            {"vocab", vocab},
                            {"merges", Json::array()}}}};
  return write_text(folder / "tokenizer.json", tokenizer.dump());
}

}  // namespace

bool write_random_model(const std::filesystem::path& folder, const TinyModel& model) {
  std::filesystem::create_directories(folder);
  Weights weights = zero_weights(model);
  std::mt19937 random(model.seed);
  std::normal_distribution<float> normal(0.0f, 0.3f);
  for (auto& [name, tensor] : weights.tensors) {
    if (name.find("norm") != std::string::npos) continue;
    for (float& value : tensor.second) value = normal(random);
  }
  return write_config(folder, model, 2) && weights.write(folder / "model.safetensors");
}

std::vector<Piece> in_order(const std::vector<std::string>& texts) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    pieces.push_back({texts[i], i + 1 < texts.size() ? static_cast<int>(i + 1) : -1});
  }
  return pieces;
}

bool write_reciting_model(const std::filesystem::path& folder, const Recitation& recitation) {
  std::filesystem::create_directories(folder);
  std::vector<std::string> texts;
  for (const Piece& piece : recitation.pieces) texts.push_back(piece.text);
  if (!recitation.opening.empty()) texts.push_back(recitation.opening);
  TinyModel model;
  model.vocab_size = kFirstPiece + static_cast<std::int64_t>(texts.size());
  model.hidden_size = (model.vocab_size + 15) / 16 * 16;
  model.layers = 1;
  model.max_position_embeddings = recitation.max_position_embeddings;

  // Layers of zeros add nothing, so the head sees the last token's embedding alone: a unit vector of its own, which the
  // norm makes sqrt(hidden) long. Logit 20 against 0 for the next one.
  Weights weights = zero_weights(model);
  auto& embedding = weights.tensors["model.embed_tokens.weight"].second;
  auto& head = weights.tensors["lm_head.weight"].second;
  for (std::int64_t id = 0; id < model.vocab_size; ++id) embedding[id * model.hidden_size + id] = 1.0f;
  if (recitation.broken) {
    weights.tensors["model.layers.0.mlp.down_proj.weight"].second[0] = std::numeric_limits<float>::infinity();
  }
  const auto lead = [&](std::int64_t from, int next) {
    const std::int64_t to = next < 0 ? kEnd : kFirstPiece + next;
    head[to * model.hidden_size + from] = 20.0f / std::sqrt(static_cast<float>(model.hidden_size));
  };
  for (std::size_t i = 0; i < recitation.pieces.size(); ++i) {
    lead(kFirstPiece + static_cast<std::int64_t>(i), recitation.pieces[i].next);
  }
  lead(recitation.opening.empty() ? kSay : model.vocab_size - 1, 0);

  Json tokenizer_config = {{"eos_token", "<|end|>"}, {"tokenizer_class", "PreTrainedTokenizerFast"}};
  if (recitation.chat_template == Recitation::Template::kWith) {
    tokenizer_config["chat_template"] =
        "{% for message in messages %}{% if message.role == 'assistant' %}<|say|>"
        "{{ message.content.split('</think>')[-1] }}<|end|>{% else %}<|ask|>{{ message.role }}: {{ message.content }}"
        "{% endif %}{% endfor %}{% if add_generation_prompt %}<|say|>" +
        recitation.opening + "{% endif %}";
  }
  if (!recitation.generation_config.empty() &&
      !write_text(folder / "generation_config.json", recitation.generation_config)) {
    return false;
  }
  return write_config(folder, model, kEnd) && write_tokenizer(folder, texts) &&
         write_text(folder / "tokenizer_config.json", tokenizer_config.dump()) &&
         weights.write(folder / "model.safetensors");
}

}  // namespace retort::testing
