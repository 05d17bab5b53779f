// retort forward: logits of given token ids, for parity checks and debugging. No tokenizer is involved.
#include <cstring>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/load.h"
#include "core/log.h"
#include "io/safetensors.h"

namespace retort::cli {
namespace {

struct Options {
  std::string model;
  std::string input;
  std::string output;
  bool layers = false;
  CommonOptions common;
};

struct NamedArray {
  std::string name;
  Shape shape;
  std::vector<float> values;
  [[nodiscard]] NamedTensor tensor() const {
    return {name, {DType::kF32, shape, reinterpret_cast<const std::byte*>(values.data()), values.size() * 4}};
  }
};

Expected<const TensorView*> input_ids(const Safetensors& file, const std::string& path) {
  const auto found = file.tensors.find("input_ids");
  if (found == file.tensors.end()) {
    return fail(ErrorCode::kInvalidArgument, "{}: has no tensor 'input_ids'; it must be int32 [B, T]", path);
  }
  const TensorView& ids = found->second;
  if (ids.dtype != DType::kI32 || ids.shape.rank() != 2 || ids.shape.elements() == 0) {
    return fail(ErrorCode::kInvalidArgument, "{}: input_ids must be I32 [B, T] with at least one token but is {} {}",
                path, to_string(ids.dtype), to_string(ids.shape));
  }
  return &ids;
}

Status run(const Options& options) {
  RETORT_TRY(const Safetensors input, open_safetensors(options.input));
  RETORT_TRY(const TensorView* const ids, input_ids(input, options.input));
  RETORT_TRY(const std::shared_ptr<const Model> model, load_model(options.model, options.common));
  const ModelConfig& config = model->config();
  const std::int64_t batch = ids->shape[0];
  const std::int64_t length = ids->shape[1];

  std::vector<NamedArray> outputs;
  outputs.push_back({"logits", Shape{batch, length, config.vocab_size}, {}});
  std::vector<std::int32_t> tokens(length);
  std::vector<float> hidden(length * config.hidden_size);
  std::vector<float> logits(length * config.vocab_size);
  // Output 1 + 2i is layer i's output, 2 + 2i its router's logits (empty for a dense layer).
  if (options.layers) {
    for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
      outputs.push_back({fmt::format("layers.{}", i), Shape{batch, length, config.hidden_size}, {}});
      outputs.push_back(
          {fmt::format("router_logits.{}", i), Shape{batch * length, config.moe ? config.moe->num_experts : 0}, {}});
    }
  }
  const ForwardTrace trace{.on_layer =
                               [&](std::int64_t layer, std::span<const float> values) {
                                 auto& into = outputs[1 + 2 * layer].values;
                                 into.insert(into.end(), values.begin(), values.end());
                               },
                           .on_router =
                               [&](std::int64_t layer, std::span<const float> values) {
                                 auto& into = outputs[2 + 2 * layer].values;
                                 into.insert(into.end(), values.begin(), values.end());
                               }};
  for (std::int64_t b = 0; b < batch; ++b) {
    std::memcpy(tokens.data(), ids->data + b * length * 4, length * 4);
    const auto kv = make_sequence_kv(config, model->kv_cache_type(), length);
    const SequenceChunk chunk{tokens, kv.get(), length};
    RETORT_TRY_STATUS(model->forward({&chunk, 1}, hidden, options.layers ? &trace : nullptr));
    model->logits(hidden, logits);
    outputs[0].values.insert(outputs[0].values.end(), logits.begin(), logits.end());
  }
  std::vector<NamedTensor> tensors;
  for (const NamedArray& output : outputs) {
    if (!output.values.empty()) tensors.push_back(output.tensor());
  }
  RETORT_TRY_STATUS(write_safetensors(options.output, tensors,
                                      {{"isa", model->kernels().name}, {"version", std::string(version())}}));
  log(LogLevel::kInfo, "{}: logits {} from the {} kernels", options.output, to_string(outputs[0].shape),
      model->kernels().name);
  return {};
}

}  // namespace

void add_forward(Command program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_subcommand("forward", "Write the logits of given token ids, for parity checks");
  command.footer(
      "IN holds input_ids, int32 [B, T]; each of the B rows is a sequence of its own. OUT gets logits, fp32\n"
      "[B, T, vocab]; with --layers also layers.N, fp32 [B, T, hidden], the output of each layer before the final\n"
      "norm, and for a mixture of experts router_logits.N, fp32 [B*T, experts]. RETORT_ISA=ref|avx2|avx512|amx "
      "chooses\n"
      "the kernels.");
  command.add("--model", options->model, "Checkpoint: folder, .gguf file or hub id").required();
  command.add("--input", options->input, "safetensors file with input_ids").required();
  command.add("--output", options->output, "safetensors file to write").required();
  command.add_flag("--layers", options->layers, "Also write each layer's output");
  add_common_options(command, options->common);
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
