// The report for a person: a page that fits a terminal of 80 columns.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "cli/inspect_report.h"
#include "core/units.h"
#include "io/hub_names.h"

namespace retort::cli {
namespace {

// 1234567 -> "1,234,567"
std::string grouped(std::int64_t number) {
  std::string digits = fmt::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

class Page {
 public:
  explicit Page(Colour colour) : colour_(colour) {}

  void title(std::string_view text) { out_ += styled(text, "1") + "\n"; }
  void heading(std::string_view text) { out_ += "\n" + styled(text, "1") + "\n"; }
  void warning(std::string_view text) { out_ += "\n" + styled(text, "33") + "\n"; }
  void blank() { out_ += "\n"; }
  void line(std::string_view text) { out_ += fmt::format("  {}\n", trimmed(text)); }
  void row(std::string_view name, std::string_view value) { out_ += fmt::format("  {:<16}{}\n", name, value); }
  void dim_line(std::string_view text) { out_ += "  " + styled(trimmed(text), "2") + "\n"; }
  [[nodiscard]] std::string styled(std::string_view text, std::string_view code) const {
    return colour_ == Colour::kYes ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
  }
  [[nodiscard]] const std::string& text() const { return out_; }

 private:
  // Columns are padded to the right; the last one's padding is of no use.
  static std::string_view trimmed(std::string_view text) {
    const auto end = text.find_last_not_of(' ');
    return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
  }
  Colour colour_;
  std::string out_;
};

std::string windows(const ModelConfig& config) {
  std::int64_t sliding = 0;
  std::int64_t widest = 0;
  for (const std::int64_t window : config.layer_windows) {
    sliding += window > 0 ? 1 : 0;
    widest = std::max(widest, window);
  }
  if (sliding == 0) return "full in every layer";
  return fmt::format("{} of {} layers see a window of {} positions", sliding, config.num_hidden_layers,
                     grouped(widest));
}

std::string rope(const ModelConfig& config) {
  const RopeScaling& scaling = config.rope_scaling;
  // Thetas are whole numbers in practice, and millions are read more easily in groups.
  const bool whole = config.rope_theta <= 1e15 && std::trunc(config.rope_theta) == config.rope_theta;
  std::string text = whole ? "theta " + grouped(static_cast<std::int64_t>(config.rope_theta))
                           : fmt::format("theta {:.9g}", config.rope_theta);
  if (scaling.kind == RopeScalingKind::kNone) return text;
  text += fmt::format(", {} scaling by {:g}", to_string(scaling.kind), scaling.factor);
  if (scaling.original_max_position_embeddings > 0) {
    text += fmt::format(" from {} positions", grouped(scaling.original_max_position_embeddings));
  }
  return text;
}

void architecture(Page& page, const ModelConfig& config) {
  page.heading("Architecture");
  page.row("network", to_string(config.architecture));
  page.row("layers", grouped(config.num_hidden_layers));
  page.row("hidden size",
           fmt::format("{}, intermediate {}", grouped(config.hidden_size), grouped(config.intermediate_size)));
  page.row("attention",
           fmt::format("{} heads over {} key/value heads of {} dimensions{}", config.num_attention_heads,
                       config.num_key_value_heads, config.head_dim, config.attention_bias ? ", q/k/v bias" : ""));
  page.row("attention span", windows(config));
  if (config.moe) {
    page.row("experts", fmt::format("{}, {} per token, intermediate {}; shared expert {}", config.moe->num_experts,
                                    config.moe->num_experts_per_tok, grouped(config.moe->moe_intermediate_size),
                                    grouped(config.moe->shared_expert_intermediate_size)));
  }
  page.row("positions", grouped(config.max_position_embeddings));
  page.row("RoPE", rope(config));
  page.row("RMSNorm epsilon", fmt::format("{:.6g}", config.rms_norm_eps));
  page.row("vocabulary",
           fmt::format("{}, {}", grouped(config.vocab_size),
                       config.tie_word_embeddings ? "output tied to the embedding" : "output of its own"));
}

// "awq: 4-bit integers in groups of 128"
std::string quantized(const QuantizationConfig& quantization) {
  std::string text = quantization.method();
  std::string_view before = ": ";
  for (const WeightScheme& scheme : quantization.schemes()) {
    text += before;
    before = "; ";
    text += scheme.layout == WeightLayout::kFp8 ? "fp8" : fmt::format("{}-bit integers", scheme.bits);
    switch (scheme.scale) {
      case ScaleBlock::kTensor:
        text += ", one scale per matrix";
        break;
      case ScaleBlock::kRow:
        text += ", a scale per row";
        break;
      case ScaleBlock::kGroup:
        text += fmt::format(" in groups of {}", scheme.group_size);
        break;
      case ScaleBlock::kBlock:
        text += fmt::format(" in blocks of {}x{}", scheme.block_rows, scheme.block_columns);
        break;
    }
    if (scheme.zero != ZeroPoint::kMiddle) text += ", asymmetric";
    if (scheme.activation_order) text += ", in the order of activations";
  }
  return text;
}

void weights(Page& page, const InspectReport& report) {
  const WeightsPlan& plan = report.weights;
  page.heading("Weights");
  page.row("parameters",
           fmt::format("{} ({})", format_count(plan.parameters), grouped(static_cast<std::int64_t>(plan.parameters))));
  page.row("size", fmt::format("{}, {:.2f} bits per parameter", format_bytes(plan.bytes),
                               plan.parameters == 0
                                   ? 0.0
                                   : 8.0 * static_cast<double>(plan.bytes) / static_cast<double>(plan.parameters)));
  if (!report.checkpoint->config().torch_dtype.empty()) {
    page.row("made in", shown_name(report.checkpoint->config().torch_dtype));
  }
  if (const auto& quantization = report.checkpoint->config().quantization) {
    page.row("quantized", quantized(*quantization));
  }
  page.dim_line(fmt::format("{:<12}{:>7}{:>14}{:>14}", "type", "tensors", "parameters", "size"));
  for (const WeightsOfType& type : plan.types) {
    page.line(fmt::format("{:<12}{:>7}{:>14}{:>14}",
                          type.quantization.empty() ? to_string(type.dtype) : std::string_view(type.quantization),
                          grouped(static_cast<std::int64_t>(type.tensors)), format_count(type.parameters),
                          format_bytes(type.bytes)));
  }
}

void text_side(Page& page, const InspectText& text) {
  page.heading("Tokenizer");
  if (!text.tokenizer_problem.empty()) {
    page.row("problem", text.tokenizer_problem);
  } else if (!text.model.empty()) {
    page.row("kind",
             fmt::format("{}, pre-tokenizer {}, normalizer {}", text.model, text.pretokenizer, text.normalizer));
    page.row("tokens", fmt::format("{}, of which {} added; {} merges", grouped(text.vocab_size),
                                   grouped(text.added_tokens), grouped(text.merges)));
    for (const auto& token : text.special_tokens) {
      page.row(token.role, fmt::format("{} {}", token.id, shown_name(token.piece)));
    }
  }
  if (!text.template_problem.empty()) {
    page.row("chat template", text.template_problem);
  } else if (text.chat_template) {
    page.row("chat template",
             fmt::format("{} bytes{}{}", grouped(static_cast<std::int64_t>(text.chat_template->size())),
                         text.chat_template->find("tools") != std::string::npos ? ", knows tools" : "",
                         text.chat_template->find("</think>") != std::string::npos ? ", knows thinking" : ""));
  } else {
    page.row("chat template", "none");
  }
}

void generation(Page& page, const Checkpoint& checkpoint) {
  const GenerationDefaults& defaults = checkpoint.generation_defaults();
  page.heading("Generation defaults");
  const auto number = [&](std::string_view name, const auto& value) {
    if (value) page.row(name, fmt::format("{:.6g}", static_cast<double>(*value)));
  };
  if (defaults.do_sample) page.row("sampling", *defaults.do_sample ? "yes" : "no, greedy");
  number("temperature", defaults.temperature);
  number("top_k", defaults.top_k);
  number("top_p", defaults.top_p);
  number("min_p", defaults.min_p);
  number("repetition", defaults.repetition_penalty);
  number("max new tokens", defaults.max_new_tokens);
  const auto& ends = checkpoint.config().eos_token_ids;
  page.row("stops at token", ends.empty() ? "none given" : fmt::format("{}", fmt::join(ends, ", ")));
}

std::string size_cell(std::uint64_t bytes, std::uint64_t machine_bytes) {
  return format_bytes(bytes) + (machine_bytes != 0 && bytes > machine_bytes ? "*" : " ");
}

void memory(Page& page, const InspectReport& report) {
  const ModelConfig& config = report.checkpoint->config();
  page.heading("Memory");
  if (report.weights.loaded_bytes == report.weights.bytes) {
    page.row("weights", fmt::format("{}, mapped from the file", format_bytes(report.weights.bytes)));
  } else {
    page.row("weights", fmt::format("{} in the file, {} when loaded: quantized ones that are not packed become fp32",
                                    format_bytes(report.weights.bytes), format_bytes(report.weights.loaded_bytes)));
  }
  std::string header = fmt::format("{:<18}", "KV cache");
  std::string per_token = fmt::format("{:<18}", "per token");
  for (const KvCacheType type : kKvCacheTypes) {
    header += fmt::format("{:>14}", fmt::format("{} ", to_string(type)));
    per_token += fmt::format("{:>14}", format_bytes(kv_bytes_per_token(config, type)) + " ");
  }
  page.blank();
  page.dim_line(header);
  page.line(per_token);
  page.dim_line("max-model-len     weights and the KV cache of one sequence");
  bool too_much = false;
  for (const LengthPlan& plan : report.lengths) {
    std::string line = fmt::format("{:<18}", grouped(plan.max_model_len));
    for (const std::uint64_t bytes : plan.total_bytes) {
      line += fmt::format("{:>14}", size_cell(bytes, report.machine_bytes));
      too_much = too_much || (report.machine_bytes != 0 && bytes > report.machine_bytes);
    }
    page.line(line);
  }
  if (too_much) page.dim_line(fmt::format("* more than the {} of this machine", format_bytes(report.machine_bytes)));
}

}  // namespace

std::string inspect_as_text(const InspectReport& report, Colour colour) {
  const Checkpoint& checkpoint = *report.checkpoint;
  Page page(colour);
  page.title(report.title);
  if (const GgufFile* gguf = checkpoint.gguf()) {
    page.dim_line(fmt::format("{} (GGUF version {})", checkpoint.name(), gguf->version()));
  } else {
    page.dim_line(fmt::format("{} (safetensors)", checkpoint.name()));
  }
  architecture(page, checkpoint.config());
  weights(page, report);
  text_side(page, report.text);
  generation(page, checkpoint);
  memory(page, report);
  if (!report.problem.empty()) page.warning("This model cannot be run: " + report.problem);
  return page.text();
}

}  // namespace retort::cli
