#include "io/http.h"

#include <array>
#include <csignal>
#include <curl/curl.h>
#include <utility>

#include "core/version.h"
#include "io/http_head.h"
#include "io/hub_names.h"

namespace retort {
namespace {

constexpr int kMaxRedirects = 8;
constexpr std::size_t kMaxErrorBody = 2048;          // enough to say why
constexpr std::size_t kMaxIgnoredBody = 256 * 1024;  // of an error or a redirect; then the connection is dropped

struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlFree>;

std::string url_part(CURLU* url, CURLUPart part, unsigned int flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

Url parse_url(const std::string& text) {
  Url url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return nullptr;
  const std::string scheme = url_part(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return nullptr;
  return url;
}

// A connection that dies while OpenSSL writes to it raises SIGPIPE, which would end the program; a library must not
// change what signals do to the process, so the signal is blocked in this thread, and taken back if it came.
class SigpipeBlocked {
 public:
  SigpipeBlocked() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~SigpipeBlocked() {
    if (!was_pending_) {
      const timespec now{};
      while (sigtimedwait(&pipe_, nullptr, &now) > 0) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SigpipeBlocked(const SigpipeBlocked&) = delete;
  SigpipeBlocked& operator=(const SigpipeBlocked&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

// What one hop of a request fills in, from curl's callbacks.
struct Hop {
  const HttpSink& sink;
  const std::function<bool()>& stop;
  const HttpHead* first = nullptr;  // the endpoint's own, if that redirected here
  HttpHeadReader reader = {};
  bool begun = false;
  std::size_t ignored = 0;
  std::string error_body = {};
  std::optional<Error> refusal = std::nullopt;  // ours, more telling than what curl makes of it

  [[nodiscard]] bool good() const { return reader.head().status >= 200 && reader.head().status < 300; }

  bool keep(Status status) {
    if (status) return true;
    refusal = std::move(status).error();
    return false;
  }
  bool begin() {
    if (std::exchange(begun, true)) return true;
    return keep(sink.begin(reader.head(), first ? *first : reader.head()));
  }
  bool body(std::string_view bytes) {
    if (good()) return begin() && keep(sink.append(bytes));
    if (error_body.size() < kMaxErrorBody) error_body += bytes.substr(0, kMaxErrorBody - error_body.size());
    ignored += bytes.size();
    return ignored <= kMaxIgnoredBody;
  }
};

std::size_t on_header(char* data, std::size_t one, std::size_t length, void* hop_pointer) {
  auto& hop = *static_cast<Hop*>(hop_pointer);
  if (hop.reader.line({data, one * length})) return one * length;
  hop.refusal = Error(ErrorCode::kNetwork, "the server sent more than 256 KiB of headers");
  return 0;
}

std::size_t on_body(char* data, std::size_t one, std::size_t length, void* hop_pointer) {
  return static_cast<Hop*>(hop_pointer)->body({data, one * length}) ? one * length : 0;
}

int on_progress(void* hop_pointer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Hop*>(hop_pointer)->stop() ? 1 : 0;
}

// Failures that waiting does not mend.
bool is_permanent(CURLcode code) {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_LOGIN_DENIED:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
      return true;
    default:
      return false;
  }
}

std::string_view advice_for(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return "; if a proxy of your network signs connections, name its certificate in CURL_CA_BUNDLE";
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return "; check the network and HF_ENDPOINT";
    default:
      return "";
  }
}

}  // namespace

struct HttpClient::State {
  const HubSettings& settings;
  std::function<bool()> stop;
  std::optional<std::string> origin;  // of the endpoint: where the token may go
  std::string ca_file;
  CURL* curl = nullptr;
  std::array<char, CURL_ERROR_SIZE> message{};

  tl::expected<void, HttpFailure> one_hop(const HttpRequest& request, const std::string& url, Hop& hop);
};

HttpClient::HttpClient(const HubSettings& settings, std::function<bool()> stop)
    : state_(std::make_unique<State>(
          State{settings, std::move(stop), url_origin(settings.endpoint), settings.ca_file.string(), nullptr, {}})) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);  // once, whichever thread comes first
  if (started == CURLE_OK) state_->curl = curl_easy_init();
}

HttpClient::~HttpClient() {
  if (state_->curl != nullptr) curl_easy_cleanup(state_->curl);
}

tl::expected<void, HttpFailure> HttpClient::State::one_hop(const HttpRequest& request, const std::string& url,
                                                           Hop& hop) {
  curl_easy_reset(curl);
  message[0] = '\0';
  const auto set = [this](CURLoption option, auto value) { curl_easy_setopt(curl, option, value); };
  const HubPatience& patience = settings.patience;
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);  // get() does, so as to decide who sees the token
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, message.data());
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(patience.connect_timeout_ms));
  set(CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(patience.low_speed_bytes_per_second));
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(patience.low_speed_seconds));
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_BUFFERSIZE, 512L * 1024L);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  const std::string agent = fmt::format("retort/{}", version());
  set(CURLOPT_USERAGENT, agent.c_str());
  // Asked not to compress; should something on the way do it all the same, it is undone here.
  set(CURLOPT_ACCEPT_ENCODING, "identity");
  if (!ca_file.empty()) {
    std::error_code ignored;
    const bool folder = std::filesystem::is_directory(settings.ca_file, ignored);
    set(folder ? CURLOPT_CAPATH : CURLOPT_CAINFO, ca_file.c_str());
  }
  if (request.method == HttpMethod::kHead) set(CURLOPT_NOBODY, 1L);
  const std::string range = fmt::format("{}-", request.range_from);
  if (request.range_from > 0) set(CURLOPT_RANGE, range.c_str());

  curl_slist* headers = nullptr;
  if (!settings.token.empty() && origin && url_origin(url) == origin) {
    headers = curl_slist_append(headers, fmt::format("Authorization: Bearer {}", settings.token).c_str());
    set(CURLOPT_HTTPHEADER, headers);
  }
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&hop));
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&hop));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&hop));

  CURLcode code = CURLE_OK;
  {
    const SigpipeBlocked blocked;
    code = curl_easy_perform(curl);
  }
  curl_slist_free_all(headers);

  if (hop.refusal) return tl::unexpected(HttpFailure{std::move(*hop.refusal)});
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    return tl::unexpected(HttpFailure{Error(ErrorCode::kCancelled, "interrupted")});
  }
  // The body of an error or redirect may break off: its status has said enough.
  if (code == CURLE_OK || (hop.reader.head().status >= 300 && !hop.good())) return {};
  const char* why = message[0] != '\0' ? message.data() : curl_easy_strerror(code);
  Error error(ErrorCode::kNetwork, fmt::format("{}: {}{}", shown_url(url), shown_name(why, 240), advice_for(code)));
  return tl::unexpected(HttpFailure{std::move(error), is_permanent(code) ? Retry::kNever : Retry::kLater});
}

tl::expected<HttpResponse, HttpFailure> HttpClient::get(const HttpRequest& request, const HttpSink& sink) {
  const auto refuse = [](std::string message) {
    return tl::unexpected(HttpFailure{Error(ErrorCode::kNetwork, std::move(message))});
  };
  if (state_->curl == nullptr) return refuse("libcurl could not be started");
  HttpResponse response;
  std::string url = request.url;
  for (int redirects = 0;; ++redirects) {
    Hop hop{sink, state_->stop, redirects > 0 ? &response.first : nullptr};
    if (auto done = state_->one_hop(request, url, hop); !done) return tl::unexpected(std::move(done).error());
    response.head = hop.reader.head();
    if (redirects == 0) response.first = response.head;
    response.error_body = std::move(hop.error_body);
    response.final_origin = url_origin(url).value_or("");
    const int status = response.head.status;
    if (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) {
      char* target = nullptr;  // absolute, made so by curl
      curl_easy_getinfo(state_->curl, CURLINFO_REDIRECT_URL, &target);
      if (target == nullptr) return refuse(fmt::format("{}: redirects to nowhere", shown_url(url)));
      std::string next = target;
      if (!parse_url(next)) {
        return refuse(fmt::format("{}: redirects to '{}', which is neither http nor https; refused", shown_url(url),
                                  shown_url(next)));
      }
      if (url.starts_with("https:") && !next.starts_with("https:")) {
        return refuse(fmt::format("{}: redirects from https to {}, which anyone on the way could change; refused",
                                  shown_url(url), shown_url(next)));
      }
      if (redirects >= kMaxRedirects) {
        return refuse(fmt::format("{}: more than {} redirects", shown_url(request.url), kMaxRedirects));
      }
      url = std::move(next);
      continue;
    }
    if (hop.good() && !hop.begin()) return tl::unexpected(HttpFailure{std::move(*hop.refusal)});
    return response;
  }
}

std::optional<std::string> url_origin(const std::string& text) {
  const Url url = parse_url(text);
  if (!url) return std::nullopt;
  std::string host = url_part(url.get(), CURLUPART_HOST);
  if (host.empty()) return std::nullopt;
  for (char& c : host) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return fmt::format("{}://{}:{}", url_part(url.get(), CURLUPART_SCHEME), host,
                     url_part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

Status check_endpoint(std::string_view endpoint) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument, "hub endpoint '{}' (HF_ENDPOINT): {}; expected something like {}",
                shown_url(endpoint), why, "https://huggingface.co");
  };
  const Url url = parse_url(std::string(endpoint));
  if (!url || !endpoint.starts_with("http")) return refuse("not an http or https address");
  if (url_part(url.get(), CURLUPART_HOST).empty()) return refuse("it names no host");
  if (!url_part(url.get(), CURLUPART_USER).empty() || !url_part(url.get(), CURLUPART_PASSWORD).empty()) {
    // Not shown: it holds a password.
    return fail(ErrorCode::kInvalidArgument,
                "the hub endpoint (HF_ENDPOINT) holds a name or password; put the hub's token into HF_TOKEN instead");
  }
  if (!url_part(url.get(), CURLUPART_QUERY).empty() || !url_part(url.get(), CURLUPART_FRAGMENT).empty()) {
    return refuse("it has a query or fragment");
  }
  return {};
}

std::string shown_url(std::string_view url) {
  std::string shown(url.substr(0, url.find_first_of("?#")));
  const auto host = shown.find("://");
  if (host != std::string::npos) {
    const auto at = shown.substr(0, shown.find('/', host + 3)).rfind('@');
    if (at != std::string::npos) shown.erase(host + 3, at - host - 2);
  }
  return shown_name(shown, 240);
}

}  // namespace retort
