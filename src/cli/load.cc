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

}  // namespace

void add_common_options(Command command, CommonOptions& options) {
  command.add("--threads", options.threads, "Threads to compute with; 0: one per core (or RETORT_THREADS)")
      .show_default();
  command
      .add("--quality", options.quality,
           "fast: packed weights and int8 activations; exact: fp32 activations, weights as the file has them")
      .show_default();
}

Expected<std::shared_ptr<const Checkpoint>> open_checkpoint(std::string_view model) {
  RETORT_TRY(Checkpoint checkpoint, Checkpoint::open(model));
  return std::make_shared<const Checkpoint>(std::move(checkpoint));
}

Expected<std::shared_ptr<const Model>> load_model(std::shared_ptr<const Checkpoint> checkpoint,
                                                  const CommonOptions& options) {
  RETORT_TRY(const Quality quality, parse_quality(options.quality));
  if (options.threads != 0) {
    RETORT_TRY_STATUS(set_thread_count(options.threads));
  }
  RETORT_TRY(const KernelTable* const kernels, default_kernel_table());
  RETORT_TRY(std::unique_ptr<Model> model, Model::load(std::move(checkpoint), *kernels, quality));
  log(LogLevel::kDebug, "{} kernels, {} threads", kernels->name, thread_count());
  return std::shared_ptr<const Model>(std::move(model));
}

Expected<std::shared_ptr<const Model>> load_model(std::string_view model, const CommonOptions& options) {
  RETORT_TRY(auto checkpoint, open_checkpoint(model));
  return load_model(std::move(checkpoint), options);
}

}  // namespace retort::cli
