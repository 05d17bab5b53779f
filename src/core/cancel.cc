#include "core/cancel.h"

namespace retort {

Status CancelToken::check() const {
  if (cancelled()) return fail(ErrorCode::kCancelled, "interrupted");
  return {};
}

}  // namespace retort
