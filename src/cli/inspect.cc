// retort inspect: what a checkpoint is and what it would take to run it, without loading it.
#include <cstdio>
#include <memory>
#include <string>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/inspect_report.h"
#include "core/json.h"
#include "io/hub_names.h"

namespace retort::cli {
namespace {

struct Options {
  std::string model;
  std::string model_option;
  bool json = false;
  std::int64_t max_model_len = 0;
};

std::uint64_t physical_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
}

Expected<std::vector<LengthPlan>> plan_lengths(const ModelConfig& config, std::uint64_t weight_bytes,
                                               std::int64_t chosen) {
  std::vector<std::int64_t> lengths = suggested_lengths(config);
  if (chosen != 0) {
    if (chosen < 1 || chosen > config.max_position_embeddings) {
      return fail(ErrorCode::kInvalidArgument, "--max-model-len must be from 1 to the model's {} but is {}",
                  config.max_position_embeddings, chosen);
    }
    lengths = {chosen};
  }
  std::vector<LengthPlan> plans;
  plans.reserve(lengths.size());
  for (const std::int64_t length : lengths) plans.push_back(plan_length(config, weight_bytes, length));
  return plans;
}

// GGUF files carry a name; a folder is known by its own.
std::string title_of(const Checkpoint& checkpoint) {
  if (checkpoint.gguf()) {
    const auto name = checkpoint.gguf()->get_string("general.name");
    if (name && *name && !(*name)->empty()) return shown_name(**name);
  }
  const std::string name = std::filesystem::path(checkpoint.name()).lexically_normal().filename().string();
  return shown_name(name.empty() ? checkpoint.name() : name);
}

bool wants_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0');
}

Status run(const Options& options) {
  if (!options.model.empty() && !options.model_option.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the model is given twice: '{}' and --model '{}'", options.model,
                options.model_option);
  }
  const std::string& model = options.model.empty() ? options.model_option : options.model;
  RETORT_TRY(const Checkpoint checkpoint, Checkpoint::open(model));
  InspectReport report;
  report.checkpoint = &checkpoint;
  report.title = title_of(checkpoint);
  if (const auto status = checkpoint.check_tensors(); !status) report.problem = status.error().message();
  report.text = inspect_text(checkpoint);
  report.weights = plan_weights(checkpoint);
  RETORT_TRY(report.lengths, plan_lengths(checkpoint.config(), report.weights.loaded_bytes, options.max_model_len));
  report.machine_bytes = physical_memory();
  const std::string out = options.json ? json_text(inspect_as_json(report), {.indent = 2}) + "\n"
                                       : inspect_as_text(report, wants_colour() ? Colour::kYes : Colour::kNo);
  if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size() || std::fflush(stdout) != 0) {
    return fail(ErrorCode::kIo, "cannot write to standard output");
  }
  return {};
}

}  // namespace

void add_inspect(Command program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_subcommand("inspect", "Show what a checkpoint is and how much memory it takes");
  command.footer(
      "Reads headers only, so that it is quick for a model of any size and works on the header of a GGUF alone.\n"
      "The memory plan counts the weights, mapped from the file (quantized ones of safetensors as the fp32 that they\n"
      "become), and the KV cache of one sequence of the given length;\n"
      "a sliding-window layer counts with its window. It exits with 0 also for a model whose weights cannot be "
      "loaded,\n"
      "and says so.");
  command.add("MODEL", options->model, "Checkpoint: folder, .gguf file or hub id (org/name)");
  command.add("--model", options->model_option, "The same, as the other commands spell it");
  command
      .add("--max-model-len", options->max_model_len,
           "Plan memory for sequences of this many tokens; 0: the model's maximum and some smaller lengths")
      .show_default();
  command.add_flag("--json", options->json, "Write one JSON object");
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
