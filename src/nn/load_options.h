// Where a model's weights come from and in which form.
#pragma once

#include <cstdint>
#include <filesystem>

#include "io/packed_source.h"
#include "nn/quality.h"

namespace retort {

enum class LoadFormat : std::uint8_t {
  kAuto,         ///< the packed file if it is there and right, else packed from the checkpoint
  kSafetensors,  ///< the checkpoint, which must be safetensors, and no packed file
  kGguf,         ///< the checkpoint, which must be GGUF, and no packed file
  kPacked,       ///< the packed file, or an error
  kDummy,        ///< random weights of the configuration's shapes: for measuring speed and memory
};

struct LoadOptions {
  Quality quality = Quality::kFast;
  LoadFormat format = LoadFormat::kAuto;
  std::filesystem::path packed_file;                 ///< empty: Checkpoint::packed_path()
  SourceCheck source_check = SourceCheck::kSampled;  ///< of the checkpoint against the packed file
  std::uint64_t dummy_seed = 0;
};

}  // namespace retort
