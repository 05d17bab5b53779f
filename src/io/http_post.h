// Many HTTP POST requests at a time over libcurl, for endpoints that a person names: no redirects, http and https only,
// bodies bounded.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"

namespace retort {

struct PostRequest {
  std::string url;
  std::string body;
  std::vector<std::string> headers;  ///< "Name: value"
  double timeout_seconds = 600;      ///< of the whole exchange
};

struct PostReply {
  int status = 0;
  std::string body;
  std::optional<int> retry_after_seconds;
};

/// For one thread.
class HttpPoster {
 public:
  /// An error is kNetwork: no answer came, or not all of it. Any status is a reply.
  using Done = std::function<void(Expected<PostReply>)>;

  static Expected<std::unique_ptr<HttpPoster>> create();
  ~HttpPoster();  ///< drops what is under way; their Done is not called
  HttpPoster(const HttpPoster&) = delete;
  HttpPoster& operator=(const HttpPoster&) = delete;

  /// kInvalidArgument for an URL that is neither http nor https.
  Status begin(PostRequest request, Done done);
  /// Waits up to `wait_ms` for something to happen and calls Done of what has ended. False where nothing is under way.
  bool work(int wait_ms);
  /// Ends what is under way with kCancelled.
  void abandon();

 private:
  struct State;
  HttpPoster();
  std::unique_ptr<State> state_;
};

}  // namespace retort
