#include "io/http_post.h"

#include <cstdlib>
#include <curl/curl.h>
#include <list>
#include <utility>

#include "core/version.h"

namespace retort {
namespace {

constexpr std::size_t kMaxReplyBytes = 64u << 20;

struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct EasyFree {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};

struct Exchange {
  PostRequest request;
  HttpPoster::Done done;
  std::unique_ptr<CURL, EasyFree> easy;
  std::unique_ptr<curl_slist, ListFree> headers;
  PostReply reply;
  bool too_long = false;
};

std::size_t on_reply(char* data, std::size_t one, std::size_t length, void* pointer) {
  auto& exchange = *static_cast<Exchange*>(pointer);
  if (exchange.reply.body.size() + one * length > kMaxReplyBytes) {
    exchange.too_long = true;
    return 0;
  }
  exchange.reply.body.append(data, one * length);
  return one * length;
}

bool add_header(Exchange& exchange, const std::string& line) {
  curl_slist* longer = curl_slist_append(exchange.headers.get(), line.c_str());
  if (longer == nullptr) return false;
  static_cast<void>(exchange.headers.release());
  exchange.headers.reset(longer);
  return true;
}

bool set_up(Exchange& exchange) {
  CURL* easy = exchange.easy.get();
  bool fine = add_header(exchange, "Content-Type: application/json");
  for (const std::string& line : exchange.request.headers) fine = fine && add_header(exchange, line);
  const auto set = [&](CURLoption option, auto value) {
    fine = fine && curl_easy_setopt(easy, option, value) == CURLE_OK;
  };
  set(CURLOPT_URL, exchange.request.url.c_str());
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDS, exchange.request.body.c_str());
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(exchange.request.body.size()));
  set(CURLOPT_HTTPHEADER, exchange.headers.get());
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(exchange.request.timeout_seconds * 1'000));
  set(CURLOPT_CONNECTTIMEOUT, 30L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_ACCEPT_ENCODING, "");
  const std::string agent = "retort/" + std::string(version());
  set(CURLOPT_USERAGENT, agent.c_str());
  set(CURLOPT_WRITEFUNCTION, on_reply);
  set(CURLOPT_WRITEDATA, &exchange);
  set(CURLOPT_PRIVATE, &exchange);
  return fine;
}

}  // namespace

struct HttpPoster::State {
  CURLM* multi = nullptr;
  std::list<Exchange> under_way;

  /// Takes it out and tells of it.
  void end(Exchange* exchange, CURLcode code) {
    for (auto it = under_way.begin(); it != under_way.end(); ++it) {
      if (&*it != exchange) continue;
      std::list<Exchange> ended;
      ended.splice(ended.begin(), under_way, it);
      curl_multi_remove_handle(multi, exchange->easy.get());
      if (code != CURLE_OK) {
        exchange->done(fail(ErrorCode::kNetwork, "{}: {}", exchange->request.url,
                            exchange->too_long ? "more than 64 MiB came" : curl_easy_strerror(code)));
        return;
      }
      long status = 0;
      curl_easy_getinfo(exchange->easy.get(), CURLINFO_RESPONSE_CODE, &status);
      curl_off_t wait = 0;
      curl_easy_getinfo(exchange->easy.get(), CURLINFO_RETRY_AFTER, &wait);
      exchange->reply.status = static_cast<int>(status);
      if (wait > 0) exchange->reply.retry_after_seconds = static_cast<int>(wait);
      exchange->done(std::move(exchange->reply));
      return;
    }
  }
};

HttpPoster::HttpPoster() : state_(std::make_unique<State>()) {}

Expected<std::unique_ptr<HttpPoster>> HttpPoster::create() {
  std::unique_ptr<HttpPoster> out(new HttpPoster());
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (out->state_->multi = curl_multi_init()) == nullptr) {
    return fail(ErrorCode::kExhausted, "libcurl cannot be started");
  }
  return out;
}

HttpPoster::~HttpPoster() {
  for (Exchange& exchange : state_->under_way) curl_multi_remove_handle(state_->multi, exchange.easy.get());
  state_->under_way.clear();
  if (state_->multi != nullptr) curl_multi_cleanup(state_->multi);
}

Status HttpPoster::begin(PostRequest request, Done done) {
  if (!request.url.starts_with("http://") && !request.url.starts_with("https://")) {
    return fail(ErrorCode::kInvalidArgument, "'{}' is no http or https URL", request.url);
  }
  state_->under_way.push_back(
      {.request = std::move(request), .done = std::move(done), .easy = {}, .headers = {}, .reply = {}});
  Exchange& exchange = state_->under_way.back();
  exchange.easy.reset(curl_easy_init());
  if (!exchange.easy || !set_up(exchange) || curl_multi_add_handle(state_->multi, exchange.easy.get()) != CURLM_OK) {
    state_->under_way.pop_back();
    return fail(ErrorCode::kExhausted, "libcurl cannot begin another request");
  }
  return {};
}

bool HttpPoster::work(int wait_ms) {
  if (state_->under_way.empty()) return false;
  int running = 0;
  curl_multi_perform(state_->multi, &running);
  if (running == static_cast<int>(state_->under_way.size())) {
    curl_multi_poll(state_->multi, nullptr, 0, wait_ms, nullptr);
    curl_multi_perform(state_->multi, &running);
  }
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(state_->multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    char* pointer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &pointer);
    state_->end(reinterpret_cast<Exchange*>(pointer), code);
  }
  return true;
}

void HttpPoster::abandon() {
  std::list<Exchange> all;
  all.swap(state_->under_way);
  for (Exchange& exchange : all) {
    curl_multi_remove_handle(state_->multi, exchange.easy.get());
    exchange.done(fail(ErrorCode::kCancelled, "{}: given up", exchange.request.url));
  }
}

}  // namespace retort
