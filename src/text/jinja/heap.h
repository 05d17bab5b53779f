// Where the values of one rendering live: memory that only grows and goes all at once when the rendering ends.
//
// Strings, lists and dicts never change once made, so slices and stripped strings are views into what is there
// already, values are copied freely, and cycles (a namespace that holds itself) need no care. What templates append to
// again and again is extended in place where it lies last, so that building a prompt by `x = x + y` stays linear.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace retort::jinja {

class Heap {
 public:
  /// Throws Fault (kExhausted) rather than hold more than `max_bytes`.
  explicit Heap(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  /// Uninitialised, aligned for anything.
  void* allocate(std::size_t bytes);

  template <typename T, typename... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>, "nothing here is ever destroyed");
    return new (allocate(sizeof(T))) T{std::forward<Args>(args)...};
  }

  template <typename T>
  T* copy_array(const T* from, std::size_t count) {
    static_assert(std::is_trivially_copyable_v<T>);
    require(count, sizeof(T));
    T* to = static_cast<T*>(allocate(count * sizeof(T)));
    if (count > 0) std::memcpy(static_cast<void*>(to), from, count * sizeof(T));
    return to;
  }

  std::string_view copy(std::string_view text);
  /// a + b, in the place of `a` where it was the last to be allocated.
  std::string_view concat(std::string_view a, std::string_view b);

  /// Throws unless `count` things of `size` bytes may still be made: to be asked before a buffer grows elsewhere.
  void require(std::size_t count, std::size_t size = 1) const;

 private:
  char* allocate_chars(std::size_t bytes);
  void new_chunk(std::size_t at_least);

  std::vector<std::unique_ptr<char[]>> chunks_;
  char* next_ = nullptr;
  char* end_ = nullptr;
  std::size_t held_bytes_ = 0;
  std::size_t max_bytes_;
};

/// A growing array in a Heap. What it outgrows is left behind; growth by doubling bounds that.
template <typename T>
class HeapVector {
 public:
  void push_back(Heap& heap, const T& item) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (size_ == capacity_) {
      const std::size_t capacity = capacity_ == 0 ? 4 : 2 * capacity_;
      T* data = static_cast<T*>(heap.allocate(capacity * sizeof(T)));
      if (size_ > 0) std::memcpy(static_cast<void*>(data), data_, size_ * sizeof(T));
      data_ = data;
      capacity_ = capacity;
    }
    new (data_ + size_++) T(item);
  }
  void clear() { size_ = 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace retort::jinja
