#include "nn/weights.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "core/log.h"
#include "io/tensor_names.h"
#include "nn/dummy_weights.h"
#include "nn/packed_weights.h"

namespace retort {
namespace {

// Bytes that kernels may assume an element (or a block's scale) to be aligned to.
std::size_t alignment(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return 4;
    case DType::kF16:
    case DType::kBF16:
      return 2;
    case DType::kF8E4M3:
    case DType::kI8:
      return 1;
    default:
      return is_block_quantized(dtype) ? 2 : 8;
  }
}

// [rows, columns] that the configuration gives each Linear; none where nothing is quantized.
std::map<std::string, Shape, std::less<>> linear_shapes(const ModelConfig& config) {
  std::map<std::string, Shape, std::less<>> shapes;
  if (!config.quantization) return shapes;
  const auto status =
      for_each_tensor(config, [&](const std::string& name, const Shape& shape, TensorRole role) -> Status {
        if (const auto module = linear_of(name, role)) shapes.emplace(*module, shape);
        return {};
      });
  RETORT_CHECK(status.has_value(), "collecting shapes failed");
  return shapes;
}

class Loader {
 public:
  Loader(const Checkpoint& checkpoint, const KernelTable& kernels, IntegerValues values, ModelWeights& out)
      : checkpoint_(checkpoint),
        kernels_(kernels),
        values_(values),
        out_(out),
        shapes_(linear_shapes(checkpoint.config())) {}

  Expected<TensorView> view(const std::string& name) {
    const TensorView* found = checkpoint_.find(name);
    if (!found) return fail(ErrorCode::kNotFound, "{}: tensor '{}' is missing", checkpoint_.name(), name);
    if (!kernels_.dequantize[static_cast<std::size_t>(found->dtype)]) {
      return fail(ErrorCode::kUnsupported, "{}: tensor '{}' is {}, which holds no weights that retort can use",
                  checkpoint_.name(), name, to_string(found->dtype));
    }
    TensorView result = *found;
    if (reinterpret_cast<std::uintptr_t>(result.data) % alignment(result.dtype) != 0) {
      out_.realigned.push_back(std::make_unique<std::byte[]>(result.bytes));
      std::memcpy(out_.realigned.back().get(), result.data, result.bytes);
      result.data = out_.realigned.back().get();
    }
    return result;
  }

  // A whole tensor as fp32: norms and biases.
  Expected<std::vector<float>> vector(const std::string& name) {
    RETORT_TRY(const TensorView tensor, view(name));
    std::vector<float> values(static_cast<std::size_t>(tensor.shape.elements()));
    kernels_.dequantize[static_cast<std::size_t>(tensor.dtype)](tensor.data, values.data(), tensor.shape.elements());
    return values;
  }

  enum class Bias { kNone, kYes };
  Expected<Linear> linear(const std::string& prefix, Bias bias = Bias::kNone) { return linear(prefix, bias, values_); }

  Expected<LayerWeights> layer(const ModelConfig& config, std::int64_t index) {
    const std::string prefix = fmt::format("model.layers.{}.", index);
    const Bias bias = config.attention_bias ? Bias::kYes : Bias::kNone;
    LayerWeights result;
    RETORT_TRY(result.attention_norm, vector(prefix + "input_layernorm.weight"));
    RETORT_TRY(result.q, linear(prefix + "self_attn.q_proj", bias));
    RETORT_TRY(result.k, linear(prefix + "self_attn.k_proj", bias));
    RETORT_TRY(result.v, linear(prefix + "self_attn.v_proj", bias));
    RETORT_TRY(result.o, linear(prefix + "self_attn.o_proj"));
    if (config.architecture == Architecture::kQwen3) {
      RETORT_TRY(result.q_norm, vector(prefix + "self_attn.q_norm.weight"));
      RETORT_TRY(result.k_norm, vector(prefix + "self_attn.k_norm.weight"));
    }
    RETORT_TRY(result.mlp_norm, vector(prefix + "post_attention_layernorm.weight"));
    if (config.is_moe_layer(index)) {
      RETORT_TRY(result.moe, moe(prefix + "mlp", *config.moe));
    } else {
      RETORT_TRY(result.mlp, mlp(prefix + "mlp"));
    }
    return result;
  }

 private:
  // One that is never packed.
  Expected<Linear> small_linear(const std::string& prefix) {
    return linear(prefix, Bias::kNone, IntegerValues::kExpanded);
  }

  Expected<Linear> linear(const std::string& prefix, Bias bias, IntegerValues values) {
    Linear result;
    if (const WeightScheme* scheme = checkpoint_.scheme_of(prefix)) {
      auto status = quantized(prefix, *scheme, values, result);
      if (status && bias == Bias::kNone) status = check_no_bias(prefix);
      if (!status) return fail(std::move(status).error().within(checkpoint_.name()));
    } else {
      RETORT_TRY(result.w, view(prefix + ".weight"));
    }
    result.matmul = kernels_.matmul[static_cast<std::size_t>(result.w.dtype)];
    if (bias == Bias::kYes) {
      RETORT_TRY(result.bias, vector(prefix + ".bias"));
    }
    return result;
  }

  // Fills w and grouped.
  Status quantized(const std::string& module, const WeightScheme& scheme, IntegerValues values, Linear& out) {
    const auto found = shapes_.find(module);
    if (found == shapes_.end()) return fail(ErrorCode::kNotFound, "'{}' is not part of the network", module);
    const Shape& shape = found->second;
    out.w = {DType::kF32, shape, nullptr, 0};
    const auto reserve = [&] {  // after the checks: until then the shape is only what the configuration says
      const auto elements = static_cast<std::size_t>(shape.elements());
      out_.dequantized.push_back(std::make_unique_for_overwrite<float[]>(elements));
      out.w.data = reinterpret_cast<const std::byte*>(out_.dequantized.back().get());
      out.w.bytes = elements * sizeof(float);
      return out_.dequantized.back().get();
    };
    if (scheme.layout == WeightLayout::kFp8) {
      RETORT_TRY(const ScaledFp8Weight weight, scaled_fp8_weight(checkpoint_, module, scheme, shape));
      dequantize_all(weight, reserve());
      return {};
    }
    RETORT_TRY(out.grouped, grouped_weight(checkpoint_, module, scheme, shape));
    if (values == IntegerValues::kExpanded || !packed_format_of(out)) dequantize_all(*out.grouped, reserve());
    return {};
  }

  Status check_no_bias(const std::string& module) {
    if (!checkpoint_.find(module + ".bias")) return {};
    RETORT_TRY(const std::vector<float> extra, vector(module + ".bias"));
    if (std::ranges::all_of(extra, [](float value) { return value == 0; })) return {};
    return fail(
        ErrorCode::kUnsupported,
        "tensor '{}.bias' must be all zeros, as {} has no bias there, but is not: these weights are not of that "
        "network",
        module, to_string(checkpoint_.config().architecture));
  }

  Expected<MlpWeights> mlp(const std::string& prefix) {
    MlpWeights result;
    RETORT_TRY(result.gate, linear(prefix + ".gate_proj"));
    RETORT_TRY(result.up, linear(prefix + ".up_proj"));
    RETORT_TRY(result.down, linear(prefix + ".down_proj"));
    return result;
  }

  Expected<MoeWeights> moe(const std::string& prefix, const MoeConfig& config) {
    MoeWeights result;
    RETORT_TRY(result.router, small_linear(prefix + ".gate"));
    for (std::int64_t i = 0; i < config.num_experts; ++i) {
      RETORT_TRY(MlpWeights expert, mlp(fmt::format("{}.experts.{}", prefix, i)));
      result.experts.push_back(std::move(expert));
    }
    if (config.shared_expert_intermediate_size > 0) {
      RETORT_TRY(result.shared, mlp(prefix + ".shared_expert"));
      RETORT_TRY(result.shared_gate, small_linear(prefix + ".shared_expert_gate"));
    }
    return result;
  }

  const Checkpoint& checkpoint_;
  const KernelTable& kernels_;
  IntegerValues values_;
  ModelWeights& out_;
  std::map<std::string, Shape, std::less<>> shapes_;
};

void add_mlp(const std::string& prefix, MlpWeights& mlp, std::vector<NamedLinear>& out) {
  out.push_back({prefix + ".gate_proj.weight", &mlp.gate});
  out.push_back({prefix + ".up_proj.weight", &mlp.up});
  out.push_back({prefix + ".down_proj.weight", &mlp.down});
}

Status check_options(const Checkpoint& checkpoint, const LoadOptions& options) {
  const auto wants = [&](LoadFormat format, CheckpointFormat expected, std::string_view name) -> Status {
    if (options.format != format || checkpoint.format() == expected) return {};
    return fail(ErrorCode::kInvalidArgument, "{}: the load format {} was asked for, which this model is not in",
                checkpoint.name(), name);
  };
  RETORT_TRY_STATUS(wants(LoadFormat::kSafetensors, CheckpointFormat::kSafetensors, "safetensors"));
  RETORT_TRY_STATUS(wants(LoadFormat::kGguf, CheckpointFormat::kGguf, "gguf"));
  if (options.quality == Quality::kExact &&
      (options.format == LoadFormat::kPacked || options.format == LoadFormat::kDummy)) {
    return fail(ErrorCode::kInvalidArgument,
                "the quality exact computes with weights as the file has them: it goes with neither of the load "
                "formats packed and dummy");
  }
  return {};
}

// The panels of all that can be packed, from the packed file or made now.
Expected<Pages> packed_panels(const Checkpoint& checkpoint, std::span<const NamedLinear> linears,
                              const LoadOptions& options) {
  if (options.format == LoadFormat::kAuto || options.format == LoadFormat::kPacked) {
    const auto path = options.packed_file.empty() ? checkpoint.packed_path() : options.packed_file;
    auto pages = read_packed_linears(path, checkpoint, linears, options.source_check);
    if (pages || options.format == LoadFormat::kPacked) return pages;
    if (pages.error().code() != ErrorCode::kNotFound || !options.packed_file.empty()) {
      log(LogLevel::kWarn, "{}; the weights are packed from {} instead", pages.error().message(), checkpoint.name());
    }
  }
  return pack_linears(linears, checkpoint);
}

}  // namespace

std::vector<NamedLinear> large_linears(ModelWeights& weights, const ModelConfig& config) {
  std::vector<NamedLinear> out;
  for (std::size_t i = 0; i < weights.layers.size(); ++i) {
    LayerWeights& layer = weights.layers[i];
    const std::string prefix = fmt::format("model.layers.{}.", i);
    out.push_back({prefix + "self_attn.q_proj.weight", &layer.q});
    out.push_back({prefix + "self_attn.k_proj.weight", &layer.k});
    out.push_back({prefix + "self_attn.v_proj.weight", &layer.v});
    out.push_back({prefix + "self_attn.o_proj.weight", &layer.o});
    if (layer.mlp) add_mlp(prefix + "mlp", *layer.mlp, out);
    if (!layer.moe) continue;
    for (std::size_t e = 0; e < layer.moe->experts.size(); ++e) {
      add_mlp(fmt::format("{}mlp.experts.{}", prefix, e), layer.moe->experts[e], out);
    }
    if (layer.moe->shared) add_mlp(prefix + "mlp.shared_expert", *layer.moe->shared, out);
  }
  out.push_back({config.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight", &weights.head});
  return out;
}

void ModelWeights::embed(std::int64_t token, float* out) const {
  const std::int64_t columns = embedding.columns();
  if (packed_embedding) {
    const std::byte* panel =
        packed_embedding->panels + token / kPanelRows * panel_bytes(packed_embedding->format, columns);
    unpack_row(packed_embedding->format, panel, token % kPanelRows, columns, out);
    return;
  }
  const std::uint64_t stride = *row_bytes(embedding.dtype, static_cast<std::uint64_t>(columns));
  embedding_row(embedding.data + static_cast<std::uint64_t>(token) * stride, out, columns);
}

Expected<ModelWeights> map_weights(const Checkpoint& checkpoint, const KernelTable& kernels, IntegerValues values) {
  const ModelConfig& config = checkpoint.config();
  ModelWeights weights;
  Loader loader(checkpoint, kernels, values, weights);
  RETORT_TRY(weights.embedding, loader.view("model.embed_tokens.weight"));
  weights.embedding_row = kernels.dequantize[static_cast<std::size_t>(weights.embedding.dtype)];
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    RETORT_TRY(LayerWeights layer, loader.layer(config, i));
    weights.layers.push_back(std::move(layer));
  }
  RETORT_TRY(weights.final_norm, loader.vector("model.norm.weight"));
  RETORT_TRY(weights.head, loader.linear(config.tie_word_embeddings ? "model.embed_tokens" : "lm_head"));
  return weights;
}

Expected<ModelWeights> load_weights(const Checkpoint& checkpoint, const KernelTable& kernels,
                                    const LoadOptions& options) {
  RETORT_TRY_STATUS(check_options(checkpoint, options));
  const ModelConfig& config = checkpoint.config();
  const bool is_dummy = options.format == LoadFormat::kDummy;
  const bool packs = !is_dummy && options.quality == Quality::kFast;
  RETORT_TRY(ModelWeights weights,
             is_dummy ? dummy_weights(config, kernels, options.dummy_seed)
                      : map_weights(checkpoint, kernels, packs ? IntegerValues::kLeft : IntegerValues::kExpanded));
  for (LayerWeights& layer : weights.layers) {
    if (layer.k_norm.empty()) layer.key_bias = key_bias(config, layer.k.bias);
  }
  if (!packs) return weights;
  const std::vector<NamedLinear> linears = large_linears(weights, config);
  RETORT_TRY(weights.packed, packed_panels(checkpoint, linears, options));
  if (config.tie_word_embeddings) weights.packed_embedding = weights.head.packed;
  return weights;
}

}  // namespace retort
