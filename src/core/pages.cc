#include "core/pages.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <sys/mman.h>

#include "core/units.h"

namespace retort {
namespace {

constexpr std::size_t kHuge = std::size_t{2} << 20;

std::size_t whole_pages(std::size_t bytes) { return (bytes + kHuge - 1) / kHuge * kHuge; }

}  // namespace

Expected<Pages> Pages::allocate(std::size_t bytes) {
  Pages pages;
  if (bytes == 0) return pages;
  if (bytes > std::numeric_limits<std::size_t>::max() / 2) {
    return fail(ErrorCode::kExhausted, "{} bytes of memory are more than there can be", bytes);
  }
  const std::size_t length = whole_pages(bytes);
  // Where the system would put it is a multiple of 4 KiB only: ask for a huge page more and give the ends back.
  void* mapped = mmap(nullptr, length + kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) {
    return fail(ErrorCode::kExhausted, "the system does not give {} of memory: {}", format_bytes(bytes),
                std::strerror(errno));
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(mapped);
  const std::uintptr_t first = (begin + kHuge - 1) / kHuge * kHuge;
  if (first > begin) munmap(mapped, first - begin);
  const std::uintptr_t end = first + length;
  if (begin + length + kHuge > end) munmap(reinterpret_cast<void*>(end), begin + length + kHuge - end);
  pages.data_ = reinterpret_cast<std::byte*>(first);
  pages.bytes_ = bytes;
  madvise(pages.data_, length, MADV_HUGEPAGE);  // advice: where it is not heeded, all is a little slower
  return pages;
}

Pages::~Pages() {
  if (data_ != nullptr) munmap(data_, whole_pages(bytes_));
}

}  // namespace retort
