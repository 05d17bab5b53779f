// A bounds-checked walk over the bytes of a GGUF header.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace retort {

static_assert(std::endian::native == std::endian::little, "GGUF numbers are copied as they lie in the file");

/// Each read gives false, and moves nothing, where the bytes end before the value does. Strings are views into the
/// bytes. No size from the file is believed before it has been compared with what remains.
class GgufCursor {
 public:
  explicit GgufCursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t offset() const { return offset_; }
  [[nodiscard]] std::size_t remaining() const { return bytes_.size() - offset_; }

  template <typename T>
  [[nodiscard]] bool read(T& value) {
    static_assert(std::is_trivially_copyable_v<T> && !std::is_same_v<T, bool>, "a bool byte may hold more than 0 or 1");
    if (remaining() < sizeof(T)) return false;
    std::memcpy(&value, bytes_.data() + offset_, sizeof(T));
    offset_ += sizeof(T);
    return true;
  }

  [[nodiscard]] bool read_string(std::string_view& value) {
    std::uint64_t length = 0;
    if (remaining() < sizeof(length)) return false;
    std::memcpy(&length, bytes_.data() + offset_, sizeof(length));
    if (length > remaining() - sizeof(length)) return false;
    value = {reinterpret_cast<const char*>(bytes_.data() + offset_ + sizeof(length)), static_cast<std::size_t>(length)};
    offset_ += sizeof(length) + static_cast<std::size_t>(length);
    return true;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t offset_ = 0;
};

}  // namespace retort
