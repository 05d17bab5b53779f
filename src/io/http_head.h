// Reads response headers, line by line, with limits: the other side is not trusted.
#pragma once

#include <string_view>

#include "io/http.h"

namespace retort {

/// Takes header lines as they come. A status line starts anew (100 Continue, and the next response).
class HttpHeadReader {
 public:
  /// False: too much; the response is to be given up.
  bool line(std::string_view text);
  [[nodiscard]] const HttpHead& head() const { return head_; }

 private:
  HttpHead head_;
  std::size_t bytes_ = 0;
};

}  // namespace retort
