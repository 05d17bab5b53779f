// Large memory for data that is read over and over: packed weights, the KV cache.
#pragma once

#include <cstddef>
#include <utility>

#include "core/error.h"

namespace retort {

/// Anonymous zeroed memory at a multiple of 2 MiB, advised to lie in huge pages where the system gives them: reading
/// it then needs an address translation per 2 MiB in place of 4 KiB, worth up to a quarter of the bandwidth. Pages are
/// taken from the system as they are first written. Move-only; frees on destruction.
class Pages {
 public:
  Pages() = default;
  /// kExhausted if the system refuses, naming the size.
  static Expected<Pages> allocate(std::size_t bytes);
  ~Pages();
  Pages(Pages&& other) noexcept : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return bytes_; }  ///< as asked for

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace retort
