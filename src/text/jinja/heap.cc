#include "text/jinja/heap.h"

#include <algorithm>
#include <cstdint>

#include "text/jinja/fault.h"

namespace retort::jinja {
namespace {

constexpr std::size_t kFirstChunk = 16 << 10;  // most renderings fit in one
constexpr std::size_t kLargestChunk = 1 << 20;
constexpr std::size_t kAlign = alignof(std::max_align_t);

}  // namespace

void Heap::require(std::size_t count, std::size_t size) const {
  if (count > (max_bytes_ - held_bytes_ + static_cast<std::size_t>(end_ - next_)) / size) {
    exhausted("values take more than the limit of {} bytes", max_bytes_);
  }
}

void Heap::new_chunk(std::size_t at_least) {
  std::size_t size = std::max(at_least, std::min(kLargestChunk, chunks_.empty() ? kFirstChunk : held_bytes_));
  const std::size_t left = max_bytes_ - held_bytes_;
  if (at_least > left) exhausted("values take more than the limit of {} bytes", max_bytes_);
  size = std::min(size, left);
  chunks_.push_back(std::make_unique_for_overwrite<char[]>(size));
  held_bytes_ += size;
  next_ = chunks_.back().get();
  end_ = next_ + size;
}

void* Heap::allocate(std::size_t bytes) {
  const auto padding = (kAlign - reinterpret_cast<std::uintptr_t>(next_) % kAlign) % kAlign;
  if (next_ == nullptr || bytes + padding > static_cast<std::size_t>(end_ - next_)) {
    new_chunk(bytes);  // operator new aligns it for anything
  } else {
    next_ += padding;
  }
  char* at = next_;
  next_ += bytes;
  return at;
}

char* Heap::allocate_chars(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(end_ - next_)) new_chunk(bytes);
  char* at = next_;
  next_ += bytes;
  return at;
}

std::string_view Heap::copy(std::string_view text) {
  if (text.empty()) return {};
  char* to = allocate_chars(text.size());
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

std::string_view Heap::concat(std::string_view a, std::string_view b) {
  if (b.empty()) return a;
  if (a.empty()) return b;
  require(a.size());
  require(b.size());
  if (a.data() + a.size() == next_ && b.size() <= static_cast<std::size_t>(end_ - next_)) {
    std::memcpy(next_, b.data(), b.size());
    next_ += b.size();
    return {a.data(), a.size() + b.size()};
  }
  // A string that is appended to once is often appended to again: leave it room.
  const std::size_t size = a.size() + b.size();
  if (size > static_cast<std::size_t>(end_ - next_)) {
    const std::size_t left = max_bytes_ - held_bytes_;
    new_chunk(std::max(size, std::min(2 * size, left)));
  }
  char* to = allocate_chars(size);
  std::memcpy(to, a.data(), a.size());
  std::memcpy(to + a.size(), b.data(), b.size());
  return {to, size};
}

}  // namespace retort::jinja
