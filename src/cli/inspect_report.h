// What `retort inspect` found out about a model, and its two forms: for a person and for a program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/json_fwd.h"
#include "io/checkpoint.h"
#include "io/memory_plan.h"

namespace retort::cli {

/// The text side of a checkpoint. Either may fail without hindering the rest of the report.
struct InspectText {
  struct SpecialToken {
    std::string role;  ///< "bos", "eos", "pad"
    std::int64_t id = 0;
    std::string piece;
  };
  std::string model;  ///< "byte-level BPE"; empty if there is no tokenizer
  std::string pretokenizer;
  std::string normalizer;
  std::int64_t vocab_size = 0;
  std::int64_t merges = 0;
  std::int64_t added_tokens = 0;
  std::vector<SpecialToken> special_tokens;
  std::string tokenizer_problem;  ///< empty if it loads

  std::optional<std::string> chat_template;  ///< its source
  std::string template_problem;              ///< empty if there is none or it compiles
};

struct InspectReport {
  const Checkpoint* checkpoint = nullptr;  ///< outlives the report
  std::string title;                       ///< the model's own name where it has one
  std::string problem;                     ///< why its weights cannot be loaded; empty if they can
  InspectText text;
  WeightsPlan weights;
  std::vector<LengthPlan> lengths;
  std::uint64_t machine_bytes = 0;  ///< physical memory here; 0: unknown
};

enum class Colour { kNo, kYes };
std::string inspect_as_text(const InspectReport& report, Colour colour);
OrderedJson inspect_as_json(const InspectReport& report);

/// Reads the tokenizer and the template of a checkpoint.
InspectText inspect_text(const Checkpoint& checkpoint);

}  // namespace retort::cli
