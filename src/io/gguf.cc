// Typed look-ups in a GGUF file's metadata.
#include "io/gguf.h"

namespace retort {
namespace {

std::string_view kind_of(const GgufValue& value) {
  constexpr std::string_view kNames[] = {"an integer", "an integer", "a float", "a boolean", "a string", "an array"};
  return kNames[value.index()];
}

tl::unexpected<Error> wrong_kind(const GgufFile& file, std::string_view key, std::string_view expected,
                                 const GgufValue& found) {
  return fail(ErrorCode::kCorrupt, "{}: '{}' must be {} but is {}", file.what(), key, expected, kind_of(found));
}

const GgufValue* find(const GgufFile& file, std::string_view key) {
  const auto it = file.metadata().find(key);
  return it == file.metadata().end() ? nullptr : &it->second;
}

}  // namespace

Expected<std::optional<std::int64_t>> GgufFile::get_int(std::string_view key) const {
  const GgufValue* value = find(*this, key);
  if (!value) return std::nullopt;
  if (const auto* number = std::get_if<std::int64_t>(value)) return *number;
  const auto* number = std::get_if<std::uint64_t>(value);
  if (!number) return wrong_kind(*this, key, "an integer", *value);
  if (*number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return fail(ErrorCode::kCorrupt, "{}: '{}' is {}, beyond 2^63 - 1", what_, key, *number);
  }
  return static_cast<std::int64_t>(*number);
}

Expected<std::optional<double>> GgufFile::get_number(std::string_view key) const {
  const GgufValue* value = find(*this, key);
  if (!value) return std::nullopt;
  if (const auto* number = std::get_if<double>(value)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(value)) return static_cast<double>(*number);
  if (const auto* number = std::get_if<std::uint64_t>(value)) return static_cast<double>(*number);
  return wrong_kind(*this, key, "a number", *value);
}

Expected<std::optional<bool>> GgufFile::get_bool(std::string_view key) const {
  const GgufValue* value = find(*this, key);
  if (!value) return std::nullopt;
  if (const auto* truth = std::get_if<bool>(value)) return *truth;
  return wrong_kind(*this, key, "a boolean", *value);
}

Expected<std::optional<std::string_view>> GgufFile::get_string(std::string_view key) const {
  const GgufValue* value = find(*this, key);
  if (!value) return std::nullopt;
  if (const auto* text = std::get_if<std::string_view>(value)) return *text;
  return wrong_kind(*this, key, "a string", *value);
}

Expected<const GgufArray*> GgufFile::get_array(std::string_view key) const {
  const GgufValue* value = find(*this, key);
  if (!value) return nullptr;
  if (const auto* array = std::get_if<GgufArray>(value)) return array;
  return wrong_kind(*this, key, "an array", *value);
}

}  // namespace retort
