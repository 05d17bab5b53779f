// The first inputs of each fuzz target. To add a target: write fuzz_NAME.cc and NAME_seeds.cc, declare the latter's
// function here, call it in make_corpus.cc, and name both files in CMakeLists.txt.
#pragma once

#include <filesystem>
#include <string_view>

namespace retort::fuzz {

/// Writes seeds below the folder of one target.
class SeedWriter {
 public:
  explicit SeedWriter(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// `name` is a file name of its own within the target.
  void write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path folder_;
};

void write_config_seeds(const SeedWriter& seeds);
void write_eval_data_seeds(const SeedWriter& seeds);
void write_eval_task_seeds(const SeedWriter& seeds);
void write_gguf_seeds(const SeedWriter& seeds);
void write_maths_answer_seeds(const SeedWriter& seeds);
void write_packed_seeds(const SeedWriter& seeds);
void write_safetensors_seeds(const SeedWriter& seeds);
void write_template_seeds(const SeedWriter& seeds);
void write_tokenizer_json_seeds(const SeedWriter& seeds);
void write_bpe_encode_seeds(const SeedWriter& seeds);

}  // namespace retort::fuzz
