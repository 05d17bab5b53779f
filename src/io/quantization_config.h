// How a safetensors checkpoint's weights are quantized: what config.json's `quantization_config` says.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/json_fwd.h"
#include "io/name_pattern.h"

namespace retort {

/// Which tensors hold a Linear's weight. docs/formats.md draws each of them.
enum class WeightLayout {
  kAwq,         ///< qweight, qzeros, scales: packed along the rows, nibbles interleaved
  kGptq,        ///< qweight, qzeros, scales, g_idx: packed along the columns
  kPackedInts,  ///< compressed-tensors "pack-quantized": weight_packed, weight_scale, weight_shape, ...
  kPlainInts,   ///< compressed-tensors "int-quantized": an I8 weight and weight_scale
  kFp8,         ///< an F8_E4M3 weight and weight_scale or weight_scale_inv
};

/// What shares one scale.
enum class ScaleBlock {
  kTensor,  ///< the whole matrix
  kRow,     ///< a row (an output channel)
  kGroup,   ///< group_size columns of a row
  kBlock,   ///< block_rows x block_columns (FP8 only)
};

enum class ZeroPoint {
  kMiddle,          ///< none is stored, or it has to be 2^(bits-1): symmetric
  kStored,          ///< stored as it is
  kStoredMinusOne,  ///< GPTQ's first format stores zero - 1, modulo 2^bits
};

struct WeightScheme {
  WeightLayout layout = WeightLayout::kAwq;
  int bits = 4;  ///< 4 or 8
  ScaleBlock scale = ScaleBlock::kGroup;
  std::int64_t group_size = 0;     ///< columns; kGroup only
  std::int64_t block_rows = 0;     ///< kBlock only
  std::int64_t block_columns = 0;  ///< kBlock only
  ZeroPoint zero = ZeroPoint::kMiddle;
  bool activation_order = false;  ///< columns were grouped in another order than they stand in: g_idx must be there
  bool inverse_name = false;      ///< FP8: the scale is called weight_scale_inv. It multiplies all the same

  friend bool operator==(const WeightScheme&, const WeightScheme&) = default;
};

/// "int4 g128", "int8 row", "fp8 128x128", "fp8 tensor": for a column of a table.
std::string to_string(const WeightScheme& scheme);

/// Immutable after it is read; thread-safe.
class QuantizationConfig {
 public:
  /// As the file spells it: "awq", "gptq", "compressed-tensors", "fp8".
  [[nodiscard]] const std::string& method() const { return method_; }

  /// The scheme that the configuration gives a module ("model.layers.0.self_attn.q_proj"), or nullptr where it leaves
  /// the module as it is. Embeddings are never quantized. Where several groups name a module, an exact name wins over
  /// a pattern and that over the class "Linear"; among equals the group whose key sorts first.
  ///
  /// The file has the last word: see Checkpoint::scheme_of.
  [[nodiscard]] const WeightScheme* scheme_for(std::string_view module) const;

  /// Each different scheme that some module may have.
  [[nodiscard]] std::vector<WeightScheme> schemes() const;

 private:
  friend class QuantizationReader;
  /// Modules by name. Lists are limited (quantization_config.cc), so that a hostile one cannot cost much per module.
  struct Names {
    std::set<std::string, std::less<>> exact;
    std::vector<NamePattern> patterns;
    std::vector<std::string> parts;  ///< AWQ: any module whose name contains one
    bool by_component = false;       ///< fp8: `exact` also names what stands below and the end of a name
    [[nodiscard]] bool exactly(std::string_view module) const { return exact.contains(module); }
    [[nodiscard]] bool by_pattern(std::string_view module) const;
    [[nodiscard]] bool contains(std::string_view module) const;
  };
  struct Group {
    WeightScheme scheme;
    Names names;
    bool every_linear = false;
  };

  std::string method_;
  Names ignored_;
  std::vector<Group> groups_;
};

/// Reads quantization_config. Keys that change nothing here (how the quantizer went about it, activations, which are
/// fp32 here whatever the file says) are ignored. kUnsupported names a method, a format or a setting that retort does
/// not run; kCorrupt a field that makes no sense.
Expected<QuantizationConfig> quantization_config_from_json(const Json& config);

}  // namespace retort
