// The network against its formulas, written the plain way in double over the whole sequence: no cache, no kernels.
#include "nn/model.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "core/json.h"
#include "io/safetensors.h"
#include "kernels/dispatch.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

using Row = std::vector<double>;

constexpr std::int64_t kVocab = 11, kHidden = 16, kInner = 24, kLayers = 2;
constexpr std::int64_t kHeads = 4, kKvHeads = 2, kDim = 8;
constexpr double kEps = 0.01;  // and a small theta: so large that a mistake in them shows
constexpr double kTheta = 100;
constexpr std::int64_t kWindow = 3;  // of the second layer

class PlainNetwork {
 public:
  enum class Kind { kQwen2, kQwen3 };
  explicit PlainNetwork(Kind kind) : kind_(kind) {
    add("model.embed_tokens.weight", {kVocab, kHidden}, 0, 1);
    add("lm_head.weight", {kVocab, kHidden}, 0, 0.5);
    add("model.norm.weight", {kHidden}, 1, 0.3);
    for (std::int64_t i = 0; i < kLayers; ++i) {
      const std::string layer = name_of(i);
      add(layer + "input_layernorm.weight", {kHidden}, 1, 0.3);
      add(layer + "post_attention_layernorm.weight", {kHidden}, 1, 0.3);
      for (const auto& [projection, rows] :
           {std::pair("q", kHeads * kDim), {"k", kKvHeads * kDim}, {"v", kKvHeads * kDim}}) {
        add(layer + "self_attn." + projection + "_proj.weight", {rows, kHidden}, 0, 0.4);
        if (kind == Kind::kQwen2) add(layer + "self_attn." + projection + "_proj.bias", {rows}, 0, 0.5);
      }
      if (kind == Kind::kQwen3) {
        add(layer + "self_attn.q_norm.weight", {kDim}, 1, 0.3);
        add(layer + "self_attn.k_norm.weight", {kDim}, 1, 0.3);
      }
      add(layer + "self_attn.o_proj.weight", {kHidden, kHeads * kDim}, 0, 0.3);
      add(layer + "mlp.gate_proj.weight", {kInner, kHidden}, 0, 0.4);
      add(layer + "mlp.up_proj.weight", {kInner, kHidden}, 0, 0.4);
      add(layer + "mlp.down_proj.weight", {kHidden, kInner}, 0, 0.4);
    }
  }

  [[nodiscard]] bool write(const testing::TempDir& folder) const {
    const bool qwen3 = kind_ == Kind::kQwen3;
    const Json config = {{"architectures", {qwen3 ? "Qwen3ForCausalLM" : "Qwen2ForCausalLM"}},
                         {"vocab_size", kVocab},
                         {"hidden_size", kHidden},
                         {"intermediate_size", kInner},
                         {"num_hidden_layers", kLayers},
                         {"num_attention_heads", kHeads},
                         {"num_key_value_heads", kKvHeads},
                         {"head_dim", kDim},
                         {"max_position_embeddings", 64},
                         {"rms_norm_eps", kEps},
                         {"rope_theta", kTheta},
                         {"use_sliding_window", true},
                         {"sliding_window", kWindow},
                         {"max_window_layers", 1}};
    folder.write("config.json", config.dump());
    std::vector<NamedTensor> tensors;
    for (const auto& [name, weight] : weights_) {
      tensors.push_back({name,
                         {DType::kF32, weight.shape, reinterpret_cast<const std::byte*>(weight.values.data()),
                          weight.values.size() * sizeof(float)}});
    }
    return write_safetensors(folder.path() / "model.safetensors", tensors).has_value();
  }

  // [tokens][vocab]
  [[nodiscard]] std::vector<Row> logits(const std::vector<std::int32_t>& ids) const {
    std::vector<Row> x;
    for (const std::int32_t id : ids) {
      const auto* row = weights_.at("model.embed_tokens.weight").values.data() + id * kHidden;
      x.emplace_back(row, row + kHidden);
    }
    for (std::int64_t i = 0; i < kLayers; ++i) {
      attention(name_of(i), i == 1 ? kWindow : 1000, x);
      for (Row& row : x) {
        const Row normed = norm(name_of(i) + "post_attention_layernorm", row);
        Row gate = linear(name_of(i) + "mlp.gate_proj", normed);
        const Row up = linear(name_of(i) + "mlp.up_proj", normed);
        for (std::int64_t j = 0; j < kInner; ++j) gate[j] *= up[j] / (1 + std::exp(-gate[j]));
        add_to(row, linear(name_of(i) + "mlp.down_proj", gate));
      }
    }
    for (Row& row : x) row = linear("lm_head", norm("model.norm", row));
    return x;
  }

 private:
  struct Weight {
    Shape shape;
    std::vector<float> values;
  };
  static std::string name_of(std::int64_t layer) { return "model.layers." + std::to_string(layer) + "."; }
  void add(const std::string& name, Shape shape, double mean, double deviation) {
    std::normal_distribution<double> normal(mean, deviation);
    Weight& weight = weights_[name];
    weight = {shape, std::vector<float>(shape.elements())};
    for (float& value : weight.values) value = static_cast<float>(normal(random_));
  }
  static void add_to(Row& x, const Row& delta) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += delta[i];
  }
  [[nodiscard]] Row linear(const std::string& name, const Row& x) const {
    const Weight& weight = weights_.at(name + ".weight");
    const auto bias = weights_.find(name + ".bias");
    Row y(weight.shape[0]);
    for (std::size_t r = 0; r < y.size(); ++r) {
      if (bias != weights_.end()) y[r] = bias->second.values[r];
      for (std::size_t c = 0; c < x.size(); ++c) y[r] += weight.values[r * x.size() + c] * x[c];
    }
    return y;
  }
  [[nodiscard]] Row norm(const std::string& name, Row x) const {
    double squares = 0;
    for (const double value : x) squares += value * value;
    const double scale = 1 / std::sqrt(squares / static_cast<double>(x.size()) + kEps);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] *= scale * weights_.at(name + ".weight").values[i];
    return x;
  }
  // One head of a projection, normed where the architecture does, turned by its position.
  [[nodiscard]] Row head(const std::string& norm_name, const Row& all, std::int64_t h, std::size_t position) const {
    Row x(all.begin() + h * kDim, all.begin() + (h + 1) * kDim);
    if (kind_ == Kind::kQwen3) x = norm(norm_name, x);
    Row turned(kDim);
    for (std::int64_t i = 0; i < kDim / 2; ++i) {
      const double angle = static_cast<double>(position) * std::pow(kTheta, -2.0 * static_cast<double>(i) / kDim);
      turned[i] = x[i] * std::cos(angle) - x[i + kDim / 2] * std::sin(angle);
      turned[i + kDim / 2] = x[i + kDim / 2] * std::cos(angle) + x[i] * std::sin(angle);
    }
    return turned;
  }
  // x += o_proj(attention(norm(x))). A token sees itself and the window - 1 tokens before it.
  void attention(const std::string& layer, std::int64_t window, std::vector<Row>& x) const {
    std::vector<Row> q, k, v;
    for (const Row& row : x) {
      const Row normed = norm(layer + "input_layernorm", row);
      q.push_back(linear(layer + "self_attn.q_proj", normed));
      k.push_back(linear(layer + "self_attn.k_proj", normed));
      v.push_back(linear(layer + "self_attn.v_proj", normed));
    }
    for (std::size_t t = 0; t < x.size(); ++t) {
      Row attended(kHeads * kDim);
      for (std::int64_t h = 0; h < kHeads; ++h) {
        const std::int64_t g = h / (kHeads / kKvHeads);
        const Row query = head(layer + "self_attn.q_norm", q[t], h, t);
        double sum = 0;
        Row mixed(kDim);
        for (std::size_t s = t + 1 > static_cast<std::size_t>(window) ? t + 1 - window : 0; s <= t; ++s) {
          const Row key = head(layer + "self_attn.k_norm", k[s], g, s);
          double score = 0;
          for (std::int64_t d = 0; d < kDim; ++d) score += query[d] * key[d];
          const double weight = std::exp(score / std::sqrt(kDim));
          sum += weight;
          for (std::int64_t d = 0; d < kDim; ++d) mixed[d] += weight * v[s][g * kDim + d];
        }
        for (std::int64_t d = 0; d < kDim; ++d) attended[h * kDim + d] = mixed[d] / sum;
      }
      add_to(x[t], linear(layer + "self_attn.o_proj", attended));
    }
  }

  Kind kind_;
  std::mt19937 random_{7};
  std::map<std::string, Weight> weights_;
};

class PlainTwin : public ::testing::TestWithParam<PlainNetwork::Kind> {};

TEST_P(PlainTwin, GivesTheSameLogits) {
  const PlainNetwork plain(GetParam());
  const testing::TempDir folder;
  ASSERT_TRUE(plain.write(folder));
  auto checkpoint = Checkpoint::open(folder.path().string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  const auto model = Model::load(std::make_shared<const Checkpoint>(std::move(*checkpoint)),
                                 *kernel_table(Isa::kRef).value(), Quality::kExact);
  ASSERT_TRUE(model) << model.error().message();

  const std::vector<std::int32_t> ids = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};
  const auto count = static_cast<std::int64_t>(ids.size());
  const auto kv = make_sequence_kv((*model)->config(), KvCacheType::kF32, count);
  std::vector<float> hidden(count * kHidden);
  std::vector<float> logits(count * kVocab);
  const SequenceChunk chunk{ids, kv.get(), 0};
  ASSERT_TRUE((*model)->forward({&chunk, 1}, hidden));
  (*model)->logits(hidden, logits);
  const std::vector<Row> expected = plain.logits(ids);
  // Logits of a few units, sums of at most 32 terms, two layers: fp32 rounding leaves some 1e-6.
  for (std::int64_t t = 0; t < count; ++t) {
    for (std::int64_t i = 0; i < kVocab; ++i) EXPECT_NEAR(logits[t * kVocab + i], expected[t][i], 3e-5) << t;
  }
}

INSTANTIATE_TEST_SUITE_P(Model, PlainTwin, ::testing::Values(PlainNetwork::Kind::kQwen2, PlainNetwork::Kind::kQwen3),
                         [](const auto& test) { return test.param == PlainNetwork::Kind::kQwen2 ? "Qwen2" : "Qwen3"; });

}  // namespace
}  // namespace retort
