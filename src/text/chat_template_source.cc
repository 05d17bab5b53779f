// The chat template of a checkpoint, from wherever its format keeps it.
#include <system_error>

#include "core/json.h"
#include "io/mapped_file.h"
#include "text/text_assets.h"

namespace retort {
namespace {

// tokenizer_config.json's "chat_template": a text, or [{"name": "default", "template": "..."}, {"name":
// "tool_use"...}].
Expected<std::optional<std::string>> template_of(const Json& config) {
  const Json* found = json_find(config, "chat_template");
  if (found == nullptr) return std::optional<std::string>();
  if (found->is_string()) return found->get<std::string>();
  if (!found->is_array()) {
    return fail(ErrorCode::kCorrupt, "field 'chat_template' must be a text or a list of named templates but is {}",
                found->type_name());
  }
  std::string names;
  for (const Json& entry : *found) {
    if (!entry.is_object()) {
      return fail(ErrorCode::kCorrupt, "field 'chat_template': every template of the list must be an object");
    }
    RETORT_TRY(const std::string name, json_string(entry, "name"));
    RETORT_TRY(std::string text, json_string(entry, "template"));
    if (name == "default") return text;
    names += (names.empty() ? "'" : ", '") + name + "'";
  }
  if (names.empty()) return std::optional<std::string>();
  return fail(ErrorCode::kUnsupported,
              "field 'chat_template' has no template named 'default', only {}; give one by itself (--chat-template)",
              names);
}

Expected<std::optional<std::string>> from_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  const std::filesystem::path own_file = folder / "chat_template.jinja";
  if (std::filesystem::exists(own_file, ignored)) {
    RETORT_TRY(const auto file, MappedFile::open(own_file));
    return std::string(file->text());
  }
  const std::filesystem::path config_path = folder / "tokenizer_config.json";
  if (!std::filesystem::exists(config_path, ignored)) return std::optional<std::string>();
  RETORT_TRY(const auto file, MappedFile::open(config_path));
  RETORT_TRY(const Json config, parse_json(file->text(), config_path.string()));
  auto found = template_of(config);
  if (!found) return fail(std::move(found).error().within(config_path.string()));
  return found;
}

}  // namespace

Expected<std::optional<std::string>> load_chat_template(const Checkpoint& checkpoint) {
  if (checkpoint.gguf() != nullptr) {
    RETORT_TRY(const auto text, checkpoint.gguf()->get_string("tokenizer.chat_template"));
    if (!text) return std::optional<std::string>();
    return std::string(*text);
  }
  return from_folder(checkpoint.folder().value_or(checkpoint.name()));
}

Expected<std::optional<std::string>> load_chat_template(std::string_view model) {
  if (is_text_only_folder(model)) return from_folder(model);
  RETORT_TRY(const Checkpoint checkpoint, Checkpoint::open(model));
  return load_chat_template(checkpoint);
}

}  // namespace retort
