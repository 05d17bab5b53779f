// What every command that runs a model does first.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cli/command_line.h"
#include "core/error.h"
#include "core/version.h"
#include "io/checkpoint.h"
#include "nn/model.h"

namespace retort::cli {

struct CommonOptions {
  int threads = 0;  ///< 0: as many as cores
  std::string quality = "fast";
  std::string load_format = "auto";
  std::string packed_file;  ///< empty: beside the model
  bool verify_packed = false;
};
/// --threads --quality --load-format --packed-file --verify-packed
void add_common_options(Command command, CommonOptions& options);

/// The load format decides whether a folder must have weights: dummy asks for config.json alone.
Expected<std::shared_ptr<const Checkpoint>> open_checkpoint(std::string_view model, const CommonOptions& options = {});

/// Chooses the kernels (RETORT_ISA) and the number of threads, then loads.
Expected<std::shared_ptr<const Model>> load_model(std::shared_ptr<const Checkpoint> checkpoint,
                                                  const CommonOptions& options);
Expected<std::shared_ptr<const Model>> load_model(std::string_view model, const CommonOptions& options);

}  // namespace retort::cli
