#include "io/gguf_pairs.h"

#include <algorithm>
#include <map>

#include "io/gguf.h"
#include "io/gguf_cursor.h"
#include "io/gguf_metadata.h"

namespace retort {
namespace {

std::string sized(std::string_view text) {
  return detail::little_endian(static_cast<std::uint64_t>(text.size())).append(text);
}

}  // namespace

void GgufPairs::set_raw(std::string_view key, std::string value) {
  const auto found = std::ranges::find(pairs_, key, &std::pair<std::string, std::string>::first);
  if (found != pairs_.end()) {
    found->second = std::move(value);
  } else {
    pairs_.emplace_back(key, std::move(value));
  }
}

void GgufPairs::put(std::string_view key, GgufValueType type, std::string_view value) {
  set_raw(key, detail::little_endian(static_cast<std::uint32_t>(type)).append(value));
}

void GgufPairs::put_array(std::string_view key, GgufValueType type, std::uint64_t count, std::string_view elements) {
  std::string value = detail::little_endian(static_cast<std::uint32_t>(type)) + detail::little_endian(count);
  put(key, GgufValueType::kArray, value.append(elements));
}

void GgufPairs::set_string(std::string_view key, std::string_view value) {
  put(key, GgufValueType::kString, sized(value));
}

void GgufPairs::set_strings(std::string_view key, std::span<const std::string> values) {
  std::string bytes;
  for (const std::string& value : values) bytes += sized(value);
  put_array(key, GgufValueType::kString, values.size(), bytes);
}

void GgufPairs::erase(std::string_view key) {
  std::erase_if(pairs_, [&](const auto& pair) { return pair.first == key; });
}

bool GgufPairs::contains(std::string_view key) const {
  return std::ranges::find(pairs_, key, &std::pair<std::string, std::string>::first) != pairs_.end();
}

std::string GgufPairs::bytes() const {
  std::string out;
  for (const auto& [key, value] : pairs_) out.append(sized(key)).append(value);
  return out;
}

Expected<GgufPairs> copy_gguf_pairs(std::span<const std::byte> file) {
  GgufCursor cursor(file);
  std::uint32_t magic = 0;
  std::uint32_t version = 0;
  std::uint64_t tensors = 0;
  std::uint64_t count = 0;
  if (!cursor.read(magic) || !cursor.read(version) || !cursor.read(tensors) || !cursor.read(count)) {
    return gguf_truncated("the header", cursor);
  }
  GgufPairs pairs;
  for (std::uint64_t i = 0; i < count; ++i) {
    // The reader of one pair says where it ends, and finds what is wrong with it.
    const std::size_t begin = cursor.offset();
    RETORT_TRY(const auto pair, read_gguf_metadata(cursor, 1));
    const std::string_view key = pair.begin()->first;
    const std::size_t value = begin + sizeof(std::uint64_t) + key.size();
    pairs.set_raw(key, {reinterpret_cast<const char*>(file.data()) + value, cursor.offset() - value});
  }
  return pairs;
}

}  // namespace retort
