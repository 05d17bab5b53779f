// The key-value pairs of a GGUF file that is to be written, in their order.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "io/gguf_types.h"

namespace retort {

namespace detail {

template <typename T, typename... Types>
concept OneOf = (std::same_as<T, Types> || ...);

template <typename T>
constexpr GgufValueType gguf_number_type() {
  if constexpr (std::same_as<T, std::uint8_t>) return GgufValueType::kU8;
  if constexpr (std::same_as<T, std::int8_t>) return GgufValueType::kI8;
  if constexpr (std::same_as<T, std::uint16_t>) return GgufValueType::kU16;
  if constexpr (std::same_as<T, std::int16_t>) return GgufValueType::kI16;
  if constexpr (std::same_as<T, std::uint32_t>) return GgufValueType::kU32;
  if constexpr (std::same_as<T, std::int32_t>) return GgufValueType::kI32;
  if constexpr (std::same_as<T, std::uint64_t>) return GgufValueType::kU64;
  if constexpr (std::same_as<T, std::int64_t>) return GgufValueType::kI64;
  if constexpr (std::same_as<T, float>) return GgufValueType::kF32;
  if constexpr (std::same_as<T, double>) return GgufValueType::kF64;
  return GgufValueType::kBool;
}

template <typename T>
std::string little_endian(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

}  // namespace detail

/// What a pair can hold, strings and arrays aside; bool is one byte.
template <typename T>
concept GgufNumber = detail::OneOf<T, std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t,
                                   std::int32_t, std::uint64_t, std::int64_t, float, double, bool>;

/// Each key once: a value for a key that is there takes its place. The type of a value is that of the argument:
/// `pairs.set("general.file_type", std::uint32_t{7})`.
class GgufPairs {
 public:
  template <GgufNumber T>
  void set(std::string_view key, T value) {
    put(key, detail::gguf_number_type<T>(), detail::little_endian(value));
  }
  void set_string(std::string_view key, std::string_view value);
  template <GgufNumber T>
  void set_numbers(std::string_view key, std::span<const T> values) {
    std::string bytes;
    for (const T value : values) bytes += detail::little_endian(value);
    put_array(key, detail::gguf_number_type<T>(), values.size(), bytes);
  }
  void set_strings(std::string_view key, std::span<const std::string> values);
  /// Type and value as they lie in a file.
  void set_raw(std::string_view key, std::string value);

  /// Nothing happens if it is not there.
  void erase(std::string_view key);
  [[nodiscard]] bool contains(std::string_view key) const;
  [[nodiscard]] std::size_t size() const { return pairs_.size(); }
  /// As a file has them.
  [[nodiscard]] std::string bytes() const;

 private:
  void put(std::string_view key, GgufValueType type, std::string_view value);
  void put_array(std::string_view key, GgufValueType type, std::uint64_t count, std::string_view elements);

  std::vector<std::pair<std::string, std::string>> pairs_;  // key, type and value
};

/// The pairs of a GGUF file (version 2 or 3), byte for byte. `file` is all of it; kCorrupt as GgufFile::parse.
Expected<GgufPairs> copy_gguf_pairs(std::span<const std::byte> file);

}  // namespace retort
