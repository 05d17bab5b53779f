#include "nn/model.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "core/pages.h"
#include "core/parallel.h"
#include "nn/layers.h"
#include "nn/rope.h"
#include "nn/weights.h"

// Shape suffixes: T tokens of this step, H hidden size, N query heads, G key/value heads, D head dim, V vocabulary.

namespace retort {
namespace {

// What a step works in, kept from step to step: new pages are zeroed by the system each time, which took a twentieth of
// a prompt's time. In huge pages.
class Activations {
 public:
  // Makes room for a step of `tokens`. What it held is forgotten.
  Status fit(const ModelConfig& config, std::int64_t tokens) {
    const std::int64_t query = config.num_attention_heads * config.head_dim;
    const std::int64_t key = config.num_key_value_heads * config.head_dim;
    const std::pair<std::span<float>*, std::int64_t> parts[] = {
        {&x_TH, config.hidden_size},
        {&normed_TH, config.hidden_size},
        {&delta_TH, config.hidden_size},
        {&q_TND, query},
        {&k_TGD, key},
        {&v_TGD, key},
        {&attended_TND, query},
        {&mlp, 2 * config.intermediate_size},
        {&cos_TD, config.head_dim / 2},
        {&sin_TD, config.head_dim / 2},
    };
    constexpr std::int64_t kLine = 64 / sizeof(float);
    const auto floats = [&](std::int64_t width) { return (tokens * width + kLine - 1) / kLine * kLine; };
    std::int64_t total = 0;
    for (const auto& [part, width] : parts) total += floats(width);
    const auto bytes = static_cast<std::size_t>(total) * sizeof(float);
    if (bytes > memory_.size()) {
      memory_ = {};
      RETORT_TRY(memory_, Pages::allocate(bytes));
    }
    auto* next = reinterpret_cast<float*>(memory_.data());
    for (const auto& [part, width] : parts) {
      *part = {next, static_cast<std::size_t>(tokens * width)};
      next += floats(width);
    }
    return {};
  }

  std::span<float> x_TH, normed_TH, delta_TH, q_TND, k_TGD, v_TGD, attended_TND, mlp, cos_TD, sin_TD;
  QuantizeScratch rounded;

 private:
  Pages memory_;
};

// Steps of more tokens give their memory back.
constexpr std::int64_t kKeptTokens = 2048;

}  // namespace

struct Model::Impl {
  std::shared_ptr<const Checkpoint> checkpoint;
  const KernelTable* kernels;
  Quality quality;
  ModelWeights weights;

  // Memory of steps that have ended. As many as ever ran at once.
  std::mutex mutex;
  std::vector<std::unique_ptr<Activations>> idle;
  std::unique_ptr<Activations> borrow() {
    const std::scoped_lock lock(mutex);
    if (idle.empty()) return std::make_unique<Activations>();
    auto out = std::move(idle.back());
    idle.pop_back();
    return out;
  }
  void give_back(std::unique_ptr<Activations> activations) {
    const std::scoped_lock lock(mutex);
    idle.push_back(std::move(activations));
  }
};

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;

const ModelConfig& Model::config() const { return impl_->checkpoint->config(); }
const KernelTable& Model::kernels() const { return *impl_->kernels; }
Quality Model::quality() const { return impl_->quality; }
bool Model::has_prompt_recipe() const { return quality() == Quality::kFast && kernels().has_prompt_recipe(); }
KvCacheType Model::kv_cache_type() const {
  return quality() == Quality::kExact ? KvCacheType::kF32 : KvCacheType::kBf16;
}

Expected<std::unique_ptr<Model>> Model::load(std::shared_ptr<const Checkpoint> checkpoint, const KernelTable& kernels,
                                             const LoadOptions& options) {
  if (options.format != LoadFormat::kDummy) {
    RETORT_TRY_STATUS(checkpoint->check_tensors());
  }
  RETORT_TRY(ModelWeights weights, load_weights(*checkpoint, kernels, options));
  auto impl = std::make_unique<Impl>();
  impl->checkpoint = std::move(checkpoint);
  impl->kernels = &kernels;
  impl->quality = options.quality;
  impl->weights = std::move(weights);
  return std::unique_ptr<Model>(new Model(std::move(impl)));
}

std::uint64_t Model::bytes_per_step() const {
  std::uint64_t bytes = impl_->weights.head.bytes();
  const auto add_mlp = [&](const MlpWeights& mlp) { bytes += mlp.gate.bytes() + mlp.up.bytes() + mlp.down.bytes(); };
  for (const LayerWeights& layer : impl_->weights.layers) {
    bytes += layer.q.bytes() + layer.k.bytes() + layer.v.bytes() + layer.o.bytes();
    if (layer.mlp) add_mlp(*layer.mlp);
    if (!layer.moe) continue;
    bytes += layer.moe->router.bytes();
    if (layer.moe->shared) add_mlp(*layer.moe->shared);
    for (std::int64_t i = 0; i < config().moe->num_experts_per_tok; ++i) add_mlp(layer.moe->experts[i]);
  }
  return bytes;
}

std::uint64_t Model::memory_bytes() const {
  // Every linear in the form in which it is multiplied, the embedding, and what was made besides; norms are nothing.
  const ModelWeights& weights = impl_->weights;
  // Rows that come out of the head's panels take nothing more.
  const bool shared = weights.packed_embedding && weights.head.packed &&
                      weights.packed_embedding->panels == weights.head.packed->panels;
  std::uint64_t bytes = shared ? 0 : weights.embedding.bytes;
  const auto add = [&](const Linear& linear) { bytes += linear.bytes(); };
  const auto add_mlp = [&](const MlpWeights& mlp) {
    for (const Linear* linear : {&mlp.gate, &mlp.up, &mlp.down}) add(*linear);
  };
  for (const LayerWeights& layer : weights.layers) {
    for (const Linear* linear : {&layer.q, &layer.k, &layer.v, &layer.o}) add(*linear);
    if (layer.mlp) add_mlp(*layer.mlp);
    if (!layer.moe) continue;
    add(layer.moe->router);
    for (const MlpWeights& expert : layer.moe->experts) add_mlp(expert);
    if (layer.moe->shared) add_mlp(*layer.moe->shared);
  }
  if (weights.head.packed || weights.head.w.data != weights.embedding.data) add(weights.head);
  return bytes;
}

namespace {

// Floats of one token, besides its logits.
std::int64_t activation_floats(const ModelConfig& config) {
  const std::int64_t query = config.num_attention_heads * config.head_dim;
  const std::int64_t key = config.num_key_value_heads * config.head_dim;
  return 4 * config.hidden_size + 2 * query + 2 * key + 2 * config.intermediate_size + config.head_dim;
}

// Rows of logits that a caller holds at a time.
constexpr std::int64_t kLogitRows = 64;

}  // namespace

std::uint64_t Model::activation_bytes(std::int64_t tokens, std::int64_t rows) const {
  const ModelConfig& c = config();
  const std::int64_t widest = std::max({c.hidden_size, c.num_attention_heads * c.head_dim, c.intermediate_size});
  const std::int64_t logits = std::min(rows, kLogitRows) * (c.vocab_size + c.hidden_size) * 4;
  return static_cast<std::uint64_t>(tokens * activation_floats(c) * 4 + QuantizeScratch::bytes(tokens, widest) +
                                    logits);
}

namespace {

Status check_batch(const ModelConfig& config, std::span<const SequenceChunk> batch) {
  for (const SequenceChunk& chunk : batch) {
    const std::int64_t end = chunk.kv->length() + static_cast<std::int64_t>(chunk.tokens.size());
    if (end > config.max_position_embeddings) {
      return fail(ErrorCode::kOutOfRange, "position {} is beyond the {} that the model was made for", end - 1,
                  config.max_position_embeddings);
    }
    for (const std::int32_t token : chunk.tokens) {
      if (token < 0 || token >= config.vocab_size) {
        return fail(ErrorCode::kOutOfRange, "token id {} is outside the vocabulary of {}", token, config.vocab_size);
      }
    }
  }
  return {};
}

// The tokens of a step as they are computed: those of the output's recipe first.
struct StepOrder {
  std::vector<TokenPlace> places;
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> rows;  // of the caller's order: chunk by chunk
  StepTokens tokens;
  [[nodiscard]] bool is_callers() const { return tokens.prompt_from == 0 || tokens.prompts() == 0; }
};

StepOrder order_tokens(const ModelConfig& config, std::span<const SequenceChunk> batch, bool has_prompt_recipe,
                       Activations& a) {
  StepOrder order;
  const std::int64_t half = config.head_dim / 2;
  const auto add = [&](bool of_prompt) {
    std::int64_t row = 0;
    for (const SequenceChunk& chunk : batch) {
      const std::int64_t start = chunk.kv->length();
      const auto count = static_cast<std::int64_t>(chunk.tokens.size());
      const std::int64_t prompts =
          has_prompt_recipe ? std::clamp<std::int64_t>(chunk.prompt_length - start, 0, count) : 0;
      const std::int64_t first = of_prompt ? 0 : prompts;
      const std::int64_t last = of_prompt ? prompts : count;
      const RopeFrequencies frequencies =
          rope_frequencies(config, chunk.rope_length > 0 ? chunk.rope_length : start + count);
      for (std::int64_t i = first; i < last; ++i) {
        const auto t = static_cast<std::int64_t>(order.places.size());
        rope_cos_sin(frequencies, start + i, a.cos_TD.data() + t * half, a.sin_TD.data() + t * half);
        order.places.push_back({chunk.kv, start + i});
        order.ids.push_back(chunk.tokens[i]);
        order.rows.push_back(row + i);
      }
      row += count;
    }
  };
  add(false);
  order.tokens.two_recipes = has_prompt_recipe;
  order.tokens.prompt_from = static_cast<std::int64_t>(order.places.size());
  add(true);
  order.tokens.count = static_cast<std::int64_t>(order.places.size());
  return order;
}

// Rows as the caller has them; `memory` holds them where they are not so already.
std::span<const float> in_callers_order(const StepOrder& order, std::span<const float> rows,
                                        std::vector<float>& memory) {
  if (order.is_callers()) return rows;
  const std::size_t width = rows.size() / order.rows.size();
  memory.resize(rows.size());
  for (std::size_t i = 0; i < order.rows.size(); ++i) {
    std::copy_n(rows.data() + i * width, width, memory.data() + order.rows[i] * width);
  }
  return memory;
}

}  // namespace

Status Model::forward(std::span<const SequenceChunk> batch, std::span<float> hidden, const ForwardTrace* trace) const {
  const ModelConfig& config = this->config();
  const KernelTable& kernels = this->kernels();
  RETORT_TRY_STATUS(check_batch(config, batch));
  std::int64_t tokens = 0;
  for (const SequenceChunk& chunk : batch) {
    RETORT_TRY_STATUS(chunk.kv->reserve(static_cast<std::int64_t>(chunk.tokens.size())));
    tokens += static_cast<std::int64_t>(chunk.tokens.size());
  }
  RETORT_CHECK(static_cast<std::int64_t>(hidden.size()) == tokens * config.hidden_size, "hidden holds {} floats",
               hidden.size());
  if (tokens == 0) return {};

  std::unique_ptr<Activations> activations = impl_->borrow();
  RETORT_TRY_STATUS(activations->fit(config, tokens));
  Activations& a = *activations;
  QuantizeScratch& quantized = a.rounded;
  const StepOrder order = order_tokens(config, batch, has_prompt_recipe(), a);
  for (std::int64_t t = 0; t < tokens; ++t) {
    impl_->weights.embed(order.ids[t], a.x_TH.data() + t * config.hidden_size);
  }
  std::vector<float> reordered;

  const auto show = [&](std::int64_t layer, LinearInput input, std::span<const float> x) {
    if (trace && trace->on_input) trace->on_input(layer, input, in_callers_order(order, x, reordered));
  };
  const auto add_delta = [&] { kernels.add(a.x_TH.data(), a.delta_TH.data(), tokens * config.hidden_size); };
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const LayerWeights& layer = impl_->weights.layers[i];
    // x += o_proj(attention(norm(x)))
    apply_norm(kernels, layer.attention_norm, config.rms_norm_eps, a.x_TH.data(), a.normed_TH.data(), tokens);
    const LinearOutput qkv[] = {{layer.q, a.q_TND.data()}, {layer.k, a.k_TGD.data()}, {layer.v, a.v_TGD.data()}};
    apply_linears(kernels, quantized, a.normed_TH.data(), order.tokens, qkv);
    show(i, LinearInput::kAttention, a.normed_TH);
    rotate_and_store(kernels, config, layer, i, order.places, a.cos_TD.data(), a.sin_TD.data(), a.q_TND.data(),
                     a.k_TGD.data(), a.v_TGD.data());
    attend(kernels, config, i, order.places, order.tokens, a.q_TND.data(), a.attended_TND.data());
    apply_linear(kernels, quantized, layer.o, a.attended_TND.data(), a.delta_TH.data(), order.tokens);
    show(i, LinearInput::kAttentionOutput, a.attended_TND);
    add_delta();
    // x += mlp(norm(x))
    apply_norm(kernels, layer.mlp_norm, config.rms_norm_eps, a.x_TH.data(), a.normed_TH.data(), tokens);
    show(i, LinearInput::kMlp, a.normed_TH);
    if (layer.moe) {
      std::function<void(std::span<const float>)> on_router;
      if (trace && trace->on_router) {
        on_router = [&](std::span<const float> logits) {
          trace->on_router(i, in_callers_order(order, logits, reordered));
        };
      }
      apply_moe(kernels, quantized, *config.moe, *layer.moe, a.normed_TH.data(), a.delta_TH.data(), order.tokens,
                on_router);
    } else {
      apply_mlp(kernels, quantized, *layer.mlp, a.normed_TH.data(), a.delta_TH.data(), a.mlp.data(), order.tokens,
                trace && trace->on_input ? DownInput::kWanted : DownInput::kNotWanted);
      show(i, LinearInput::kMlpDown, a.mlp.first(tokens * config.intermediate_size));
    }
    add_delta();
    if (trace && trace->on_layer) trace->on_layer(i, in_callers_order(order, a.x_TH, reordered));
  }
  std::copy_n(in_callers_order(order, a.x_TH, reordered).data(), hidden.size(), hidden.data());
  apply_norm(kernels, impl_->weights.final_norm, config.rms_norm_eps, hidden.data(), hidden.data(), tokens);
  for (const SequenceChunk& chunk : batch) chunk.kv->advance(static_cast<std::int64_t>(chunk.tokens.size()));
  if (tokens <= kKeptTokens) impl_->give_back(std::move(activations));
  return {};
}

void Model::logits(std::span<const float> hidden, std::span<float> logits) const {
  const auto n = static_cast<std::int64_t>(hidden.size()) / config().hidden_size;
  RETORT_CHECK(static_cast<std::int64_t>(logits.size()) == n * config().vocab_size, "logits hold {} floats",
               logits.size());
  QuantizeScratch quantized;
  apply_linear(kernels(), quantized, impl_->weights.head, hidden.data(), logits.data(), StepTokens::of_output(n));
}

}  // namespace retort
