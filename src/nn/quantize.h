// A model's tensors in other types, as a GGUF file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/cancel.h"
#include "core/error.h"
#include "io/checkpoint.h"
#include "io/gguf_pairs.h"
#include "io/gguf_writer.h"
#include "io/packed_source.h"
#include "kernels/kernels.h"
#include "nn/importance.h"
#include "nn/quantize_recipe.h"

namespace retort {

/// A source's matrix, or the one of an expert, as it is named in the checkpoint.
struct QuantizePart {
  std::string name;                      ///< "model.layers.0.mlp.down_proj.weight"
  Shape shape;                           ///< [rows, columns], or [n]
  TensorView view;                       ///< unless `scheme` says that it is made of several
  const WeightScheme* scheme = nullptr;  ///< the checkpoint's
};

/// A tensor of the file to be: the rows of its parts, one after another.
struct QuantizeTensor {
  GgufTensorPlan target;
  std::vector<QuantizePart> parts;
};

struct QuantizePlan {
  std::vector<QuantizeTensor> tensors;
  /// Matrices that were in fewer bits than 16 already and are encoded anew: what they lost is lost twice.
  std::size_t requantized = 0;
};

/// All tensors of the checkpoint with the types that recipe and rules choose. GGUF's keep their order. Views point into
/// the checkpoint. What Checkpoint::check_tensors finds, and kInvalidArgument for a rule that no tensor matches.
Expected<QuantizePlan> plan_quantization(const Checkpoint& checkpoint, QuantizeRecipe recipe,
                                         std::span<const TensorTypeRule> rules);

struct QuantizeResult {
  std::uint64_t file_bytes = 0;
  std::size_t resumed_tensors = 0;         ///< that an earlier run had written
  std::map<DType, std::uint64_t> weights;  ///< of each type, in the file
};

/// Writes plan and `pairs` to `path` (see GgufWriter for going on with an earlier run's file: the source's lengths,
/// headers and some pages of its weights, the plan, the pairs and the importance must be the same). The bytes do not
/// depend on the number of threads, or on interruptions. A tensor that is in its type already is copied. kCorrupt for
/// a value that is not finite or that the type cannot hold; kInvalidArgument where `path` is one of the source's files.
Expected<QuantizeResult> write_quantized(const std::filesystem::path& path, const Checkpoint& checkpoint,
                                         const KernelTable& kernels, const QuantizePlan& plan, const GgufPairs& pairs,
                                         const Importance& importance, ExistingFile existing,
                                         const ByteProgress& progress, const CancelToken& cancel);

/// kInvalidArgument if `path`, or what is written beside it on the way, is one of the files that the checkpoint is read
/// from, under whatever name.
Status check_not_source(const std::filesystem::path& path, const Checkpoint& checkpoint);

}  // namespace retort
