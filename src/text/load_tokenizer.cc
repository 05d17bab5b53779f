// The tokenizer of a checkpoint, from wherever its format keeps it.
#include <system_error>

#include "io/mapped_file.h"
#include "text/text_assets.h"

namespace retort {
namespace {

Expected<Tokenizer> from_folder(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer.json";
  const std::filesystem::path config_path = folder / "tokenizer_config.json";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    if (std::filesystem::exists(folder / "vocab.json", ignored)) {
      return fail(ErrorCode::kUnsupported,
                  "{}: there is no tokenizer.json, only vocab.json and merges.txt; convert it with transformers: "
                  "AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)",
                  folder.string());
    }
    return fail(ErrorCode::kNotFound, "{}: there is no tokenizer.json; download it with the rest of the checkpoint",
                folder.string());
  }
  RETORT_TRY(const auto file, MappedFile::open(path));
  std::shared_ptr<const MappedFile> config;
  if (std::filesystem::exists(config_path, ignored)) {
    RETORT_TRY(config, MappedFile::open(config_path));
  }
  return Tokenizer::from_json(file->text(), config ? config->text() : std::string_view(), path.string());
}

}  // namespace

bool is_text_only_folder(std::string_view model) {
  const std::filesystem::path folder(model);
  std::error_code ignored;
  return std::filesystem::exists(folder / "tokenizer.json", ignored) &&
         !std::filesystem::exists(folder / "config.json", ignored);
}

Expected<Tokenizer> load_tokenizer(const Checkpoint& checkpoint) {
  if (checkpoint.gguf()) return Tokenizer::from_gguf(*checkpoint.gguf());
  return from_folder(checkpoint.folder().value_or(checkpoint.name()));
}

Expected<Tokenizer> load_tokenizer(std::string_view model) {
  if (is_text_only_folder(model)) return from_folder(model);
  RETORT_TRY(const Checkpoint checkpoint, Checkpoint::open(model));
  return load_tokenizer(checkpoint);
}

}  // namespace retort
