// One HTTP request at a time over libcurl, with the rules for talking to a hub: the token goes to the endpoint's
// origin only, redirects are few and lead to http or https only, certificates are checked, headers are bounded.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "io/hub.h"

namespace retort {

/// What the headers of a response say, as far as anyone here asks.
struct HttpHead {
  int status = 0;
  std::optional<std::uint64_t> content_length;
  std::optional<std::uint64_t> range_first;  ///< Content-Range: bytes FIRST-LAST/TOTAL
  std::optional<std::uint64_t> range_total;
  std::optional<std::uint64_t> linked_size;  ///< X-Linked-Size: of the large file behind a redirect
  std::string linked_etag;                   ///< X-Linked-Etag, without quotes: its sha256
  std::string etag;                          ///< without W/ and quotes
  std::string repo_commit;                   ///< X-Repo-Commit
  std::string error_code;                    ///< X-Error-Code: RepoNotFound, GatedRepo, ...
  std::string error_message;                 ///< X-Error-Message
  std::string encoding;                      ///< Content-Encoding, "" if identity
  std::optional<int> retry_after_seconds;
};

enum class HttpMethod { kGet, kHead };

struct HttpRequest {
  std::string url;
  HttpMethod method = HttpMethod::kGet;
  std::uint64_t range_from = 0;  ///< > 0: asks for the rest from there
};

/// Takes the body of a 2xx response. An error from either stops the transfer and is what get() returns.
struct HttpSink {
  /// Once, before any body: the response's head, and the endpoint's own if that redirected (else the same).
  std::function<Status(const HttpHead& head, const HttpHead& first)> begin;
  std::function<Status(std::string_view)> append;  ///< decoded bytes
};

struct HttpResponse {
  HttpHead head;             ///< the last one: 2xx, or the error that the caller explains
  HttpHead first;            ///< the endpoint's own; the same as `head` unless redirected
  std::string error_body;    ///< the beginning of it, unless 2xx
  std::string final_origin;  ///< scheme://host:port that gave `head`
};

/// Why no response came, or not all of it.
enum class Retry { kNever, kLater };
struct HttpFailure {
  Error error;
  Retry retry = Retry::kNever;
  std::optional<int> wait_seconds = std::nullopt;  ///< what the server asked for
};

/// Keeps connections open between calls. For one thread at a time. Outlived by settings.
class HttpClient {
 public:
  /// `stop` is asked about every second at least; true ends a transfer with kCancelled.
  HttpClient(const HubSettings& settings, std::function<bool()> stop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  tl::expected<HttpResponse, HttpFailure> get(const HttpRequest& request, const HttpSink& sink);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// http or https, a host, no name or password, query or fragment. kInvalidArgument.
Status check_endpoint(std::string_view endpoint);

/// "scheme://host:port" of an absolute http(s) URL, or nullopt.
std::optional<std::string> url_origin(const std::string& url);

/// For messages: without query, which may hold a signature, and without name and password.
std::string shown_url(std::string_view url);

}  // namespace retort
