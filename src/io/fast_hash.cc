#include "io/fast_hash.h"

#include <xxhash.h>

#include "core/error.h"

namespace retort {
namespace {

XXH3_state_t* state_of(void* state) { return static_cast<XXH3_state_t*>(state); }

}  // namespace

std::uint64_t fast_hash(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

void FastHasher::Free::operator()(void* state) const { XXH3_freeState(state_of(state)); }

FastHasher::FastHasher() : state_(XXH3_createState()) {
  RETORT_CHECK(state_ != nullptr && XXH3_64bits_reset(state_of(state_.get())) == XXH_OK);
}

void FastHasher::update(std::span<const std::byte> bytes) {
  RETORT_CHECK(XXH3_64bits_update(state_of(state_.get()), bytes.data(), bytes.size()) == XXH_OK);
}

std::uint64_t FastHasher::take() {
  const std::uint64_t hash = XXH3_64bits_digest(state_of(state_.get()));
  RETORT_CHECK(XXH3_64bits_reset(state_of(state_.get())) == XXH_OK);
  return hash;
}

}  // namespace retort
