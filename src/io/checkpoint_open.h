// The parts that Checkpoint::open puts together.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "io/checkpoint.h"

namespace retort {

using TensorMap = std::map<std::string, TensorView, std::less<>>;

/// Fails where two GGUF tensors would have the same name or stacked experts do not fit the configuration.
Expected<TensorMap> tensors_from_gguf(const GgufModel& model, const ModelConfig& config);

/// model.safetensors, or the shards that model.safetensors.index.json lists; every tensor of the index must be in the
/// shard that it names and every shard's tensor in the index.
struct FolderWeights {
  std::vector<Safetensors> shards;
  TensorMap tensors;
};
Expected<FolderWeights> open_folder_weights(const std::filesystem::path& folder);

/// A JSON file of the folder. kNotFound where there is none; a Git LFS pointer is called by name.
Expected<Json> read_json_file(const std::filesystem::path& path);

}  // namespace retort
