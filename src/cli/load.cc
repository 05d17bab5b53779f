#include "cli/load.h"

#include <utility>

#include "core/log.h"
#include "core/parallel.h"
#include "kernels/dispatch.h"

namespace retort::cli {
namespace {

Expected<Quality> parse_quality(std::string_view text) {
  if (text == "fast") return Quality::kFast;
  if (text == "exact") return Quality::kExact;
  return fail(ErrorCode::kInvalidArgument, "--quality must be fast or exact but is '{}'", text);
}

Expected<LoadFormat> parse_load_format(std::string_view text) {
  if (text == "auto") return LoadFormat::kAuto;
  if (text == "safetensors") return LoadFormat::kSafetensors;
  if (text == "gguf") return LoadFormat::kGguf;
  if (text == "packed") return LoadFormat::kPacked;
  if (text == "dummy") return LoadFormat::kDummy;
  return fail(ErrorCode::kInvalidArgument, "--load-format must be auto, safetensors, gguf, packed or dummy but is '{}'",
              text);
}

}  // namespace

void add_common_options(Command command, CommonOptions& options) {
  command.add("--threads", options.threads, "Threads to compute with; 0: one per core (or RETORT_THREADS)")
      .show_default();
  command
      .add("--quality", options.quality,
           "fast: packed weights, activations rounded to integers or bf16; exact: fp32 activations, weights as the "
           "file has them")
      .show_default();
  command
      .add(
          "--load-format", options.load_format,
          "auto: the packed file beside the model (see retort pack) where it is there and right; packed: nothing else; "
          "safetensors, gguf: the model itself; dummy: random weights of its shapes")
      .show_default();
  command.add("--packed-file", options.packed_file, "A packed file that lies elsewhere");
  command.add_flag("--verify-packed", options.verify_packed,
                   "Compare the whole model with what the packed file was made from, not a sample of it");
}

Expected<std::shared_ptr<const Checkpoint>> open_checkpoint(std::string_view model, const CommonOptions& options) {
  RETORT_TRY(const LoadFormat format, parse_load_format(options.load_format));
  RETORT_TRY(Checkpoint checkpoint, Checkpoint::open(model, format == LoadFormat::kDummy ? CheckpointWeights::kIgnore
                                                                                         : CheckpointWeights::kRead));
  return std::make_shared<const Checkpoint>(std::move(checkpoint));
}

Expected<std::shared_ptr<const Model>> load_model(std::shared_ptr<const Checkpoint> checkpoint,
                                                  const CommonOptions& options) {
  LoadOptions load{.packed_file = options.packed_file,
                   .source_check = options.verify_packed ? SourceCheck::kWhole : SourceCheck::kSampled};
  RETORT_TRY(load.quality, parse_quality(options.quality));
  RETORT_TRY(load.format, parse_load_format(options.load_format));
  if (options.threads != 0) {
    RETORT_TRY_STATUS(set_thread_count(options.threads));
  }
  RETORT_TRY(const KernelTable* const kernels, default_kernel_table());
  RETORT_TRY(std::unique_ptr<Model> model, Model::load(std::move(checkpoint), *kernels, load));
  log(LogLevel::kDebug, "{} kernels, {} threads", kernels->name, thread_count());
  return std::shared_ptr<const Model>(std::move(model));
}

Expected<std::shared_ptr<const Model>> load_model(std::string_view model, const CommonOptions& options) {
  RETORT_TRY(auto checkpoint, open_checkpoint(model, options));
  return load_model(std::move(checkpoint), options);
}

}  // namespace retort::cli
