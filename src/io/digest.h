// Hashes of content as it streams by: sha256 (what the hub gives for large files) and git's blob hash (for small ones).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.h"

namespace retort {

/// Movable, one thread at a time.
class Digest {
 public:
  /// kUnsupported where the system's crypto policy forbids the algorithm.
  static Expected<Digest> sha256();
  /// sha1 of "blob SIZE\0" and the content: the whole size has to be known first.
  static Expected<Digest> git_blob(std::uint64_t size);

  void update(std::string_view bytes);
  /// Lower-case hexadecimal. Nothing may follow it.
  [[nodiscard]] std::string finish();

 private:
  struct Free {
    void operator()(void* context) const;
  };
  explicit Digest(void* context) : context_(context) {}
  static Expected<Digest> make(const char* algorithm);
  std::unique_ptr<void, Free> context_;  // EVP_MD_CTX
};

}  // namespace retort
