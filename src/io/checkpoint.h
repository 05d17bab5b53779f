// A model as the rest of retort sees it, whether it came as a Hugging Face folder or as GGUF.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"
#include "io/gguf.h"
#include "io/model_config.h"
#include "io/safetensors.h"

namespace retort {

enum class CheckpointFormat { kSafetensors, kGguf };

/// What Checkpoint::open() looks for besides the configuration.
enum class CheckpointWeights {
  kRead,
  kIgnore,  ///< a folder may be without any, and those that are there are not looked at
};

/// A file that a checkpoint's weights depend on.
struct CheckpointFile {
  std::shared_ptr<const MappedFile> file;
  std::uint64_t header_bytes = 0;  ///< up to the first tensor; all of a file without tensors
};

/// Owns the mappings that its views point into.
class Checkpoint {
 public:
  /// `model` is a folder with config.json, a .gguf file (any part of a split one), or a hub id that is in the local
  /// cache ("org/name", see io/hub.h; nothing is downloaded here). Reads headers only: cheap. Tensor names, shapes and
  /// dtypes are all checked against the configuration by check_tensors(), not here, so that a header-only file can
  /// still tokenize, render and be inspected.
  static Expected<Checkpoint> open(std::string_view model, CheckpointWeights weights = CheckpointWeights::kRead);

  /// Every tensor that the architecture needs is there, with data, in the shape that the configuration implies, and
  /// there is no unknown one; of a quantized Linear those that its scheme brings. Call before loading weights. The
  /// error names the tensor and both shapes.
  [[nodiscard]] Status check_tensors() const;

  [[nodiscard]] CheckpointFormat format() const { return format_; }
  [[nodiscard]] const std::string& name() const { return name_; }  ///< for display: folder or file or hub id
  [[nodiscard]] const ModelConfig& config() const { return config_; }
  [[nodiscard]] const GenerationDefaults& generation_defaults() const { return generation_defaults_; }

  /// By Hugging Face name ("model.layers.0.self_attn.q_proj.weight") in both formats. GGUF's stacked experts
  /// (ffn_gate_exps [experts, rows, columns]) are presented as one view per expert under the Hugging Face names.
  /// q/k rows are in Hugging Face (NEOX) order in every architecture supported here.
  [[nodiscard]] const std::map<std::string, TensorView, std::less<>>& tensors() const { return tensors_; }
  /// nullptr if there is none.
  [[nodiscard]] const TensorView* find(std::string_view name) const;

  /// How a Linear ("model.layers.0.self_attn.q_proj") is quantized, or nullptr for one whose `weight` is used as it is.
  /// The configuration decides, unless the file has a plain float `weight` there and no scales: published files are not
  /// always as their lists say, and such a tensor has only one meaning. Valid as long as the checkpoint.
  [[nodiscard]] const WeightScheme* scheme_of(std::string_view module) const;

  /// The folder's tokenizer.json (with tokenizer_config.json beside it), or nullopt for GGUF.
  [[nodiscard]] const std::optional<std::filesystem::path>& folder() const { return folder_; }
  /// The GGUF with the vocabulary, or nullptr for a folder.
  [[nodiscard]] const GgufFile* gguf() const { return gguf_ ? &gguf_->first() : nullptr; }
  /// All parts of the GGUF, the first one first; none of a folder.
  [[nodiscard]] std::vector<const GgufFile*> gguf_parts() const;

  /// config.json and the shards, or the parts of the GGUF, always in the same order.
  [[nodiscard]] std::vector<CheckpointFile> files() const;
  /// Where its packed weights are looked for and put: FOLDER/model.packed or FILE.gguf.packed.
  [[nodiscard]] std::filesystem::path packed_path() const;
  /// Gives back the memory of a tensor that will not be read soon (MappedFile::give_back); a view of anything else
  /// stays as it is. Thread-safe.
  void give_back(const TensorView& view) const;

 private:
  static Expected<Checkpoint> open_folder(const std::filesystem::path& folder, CheckpointWeights weights);
  static Expected<Checkpoint> open_gguf(const std::filesystem::path& path);

  CheckpointFormat format_ = CheckpointFormat::kSafetensors;
  std::string name_;
  ModelConfig config_;
  GenerationDefaults generation_defaults_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::shared_ptr<const MappedFile> config_file_;  // config.json
  std::vector<Safetensors> shards_;
  std::shared_ptr<const GgufModel> gguf_;
  std::optional<std::filesystem::path> folder_;
};

/// Configuration from GGUF metadata; the same checks as for config.json.
Expected<ModelConfig> model_config_from_gguf(const GgufFile& file);
/// The general.sampling.* keys that some files carry.
Expected<GenerationDefaults> generation_defaults_from_gguf(const GgufFile& file);

}  // namespace retort
