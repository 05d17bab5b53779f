#include "testing/hub_server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <chrono>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace retort::testing {
namespace {

struct Listener {
  int fd;
  int port;
};

Listener listen_somewhere() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  RETORT_CHECK(fd >= 0 && bind(fd, generic, length) == 0 && listen(fd, 64) == 0, "no port for the test's hub");
  RETORT_CHECK(getsockname(fd, generic, &length) == 0);
  return {fd, ntohs(address.sin_port)};
}

// True when there is something to read; false at the end or when told to stop.
bool wait_readable(int fd, const std::atomic<bool>& stop) {
  while (!stop) {
    pollfd entry{fd, POLLIN, 0};
    if (poll(&entry, 1, 50) > 0) return true;
  }
  return false;
}

bool send_all(int fd, std::string_view bytes, const std::atomic<bool>& stop) {
  while (!bytes.empty()) {
    if (stop) return false;
    pollfd entry{fd, POLLOUT, 0};
    if (poll(&entry, 1, 50) <= 0) continue;
    const auto sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

HubHttpRequest parse_request(std::string_view text) {
  HubHttpRequest request;
  const auto line_end = text.find("\r\n");
  const std::string_view first = text.substr(0, line_end);
  const auto space = first.find(' ');
  request.method = first.substr(0, space);
  request.target = first.substr(space + 1, first.rfind(' ') - space - 1);
  text.remove_prefix(line_end + 2);
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    request.headers[name] = line.substr(colon + 2);
  }
  return request;
}

std::string url_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      plain += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// The part of `content` that the request asks for, with the status and headers that go with it.
void apply_range(const HubHttpRequest& request, const std::string& content, HubHttpResponse& response) {
  response.body = content;
  response.set_header("Accept-Ranges", "bytes");
  const auto from = request.range_from();
  if (!from) return;
  if (*from >= content.size()) {
    response.status = 416;
    response.body.clear();
    response.set_header("Content-Range", fmt::format("bytes */{}", content.size()));
    return;
  }
  response.status = 206;
  response.body = content.substr(*from);
  response.set_header("Content-Range", fmt::format("bytes {}-{}/{}", *from, content.size() - 1, content.size()));
}

}  // namespace

std::string HubHttpRequest::header(const std::string& name) const {
  const auto it = headers.find(name);
  return it == headers.end() ? std::string() : it->second;
}

std::optional<std::uint64_t> HubHttpRequest::range_from() const {
  const std::string range = header("range");
  if (!range.starts_with("bytes=")) return std::nullopt;
  return std::stoull(range.substr(6));
}

void HubHttpResponse::set_header(const std::string& name, const std::string& value) {
  std::erase_if(headers, [&](const auto& header) { return header.first == name; });
  headers.emplace_back(name, value);
}

HubServer::HubServer() : commit_("c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00") {
  const Listener hub = listen_somewhere();
  const Listener cdn = listen_somewhere();
  hub_listener_ = hub.fd;
  hub_port_ = hub.port;
  cdn_listener_ = cdn.fd;
  cdn_port_ = cdn.port;
  hub_thread_ = std::thread([this] { serve(hub_listener_, Port::kHub); });
  cdn_thread_ = std::thread([this] { serve(cdn_listener_, Port::kCdn); });
}

HubServer::~HubServer() {
  stop_ = true;
  hub_thread_.join();
  cdn_thread_.join();
  for (auto& talker : talkers_) talker.join();
  close(hub_listener_);
  close(cdn_listener_);
}

std::string HubServer::endpoint() const { return fmt::format("http://127.0.0.1:{}{}", hub_port_, prefix_); }
std::string HubServer::cdn() const { return fmt::format("http://127.0.0.1:{}", cdn_port_); }

void HubServer::add(std::string path, std::string content, bool large) {
  files_[std::move(path)] = {std::move(content), large};
}

std::string HubServer::listing() const {
  if (listing_) return *listing_;
  nlohmann::ordered_json siblings = nlohmann::ordered_json::array();
  for (const auto& [path, file] : files_) {
    nlohmann::ordered_json sibling = {
        {"rfilename", path}, {"size", file.content.size()}, {"blobId", git_blob_hash(file.content)}};
    if (file.large) {
      sibling["blobId"] = std::string(40, '9');  // of the pointer: not to be taken for the content's
      sibling["lfs"] = {{"sha256", sha256_hex(file.content)}, {"size", file.content.size()}, {"pointerSize", 134}};
    }
    siblings.push_back(std::move(sibling));
  }
  return nlohmann::ordered_json{{"id", kRepo}, {"sha", commit_}, {"siblings", siblings}}.dump();
}

void HubServer::hook(std::string part, int times, Hook change) {
  const std::scoped_lock lock(mutex_);
  hooks_.push_back({std::move(part), times, std::move(change)});
}

std::vector<HubHttpRequest> HubServer::requests() const { return requests(""); }

std::vector<HubHttpRequest> HubServer::requests(std::string_view part) const {
  const std::scoped_lock lock(mutex_);
  std::vector<HubHttpRequest> found;
  std::copy_if(seen_.begin(), seen_.end(), std::back_inserter(found),
               [&](const HubHttpRequest& request) { return request.target.find(part) != std::string::npos; });
  return found;
}

void HubServer::serve(int listener, Port port) {
  while (wait_readable(listener, stop_)) {
    const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    const std::scoped_lock lock(mutex_);
    talkers_.emplace_back([this, socket, port] { talk(socket, port); });
  }
}

void HubServer::talk(int socket, Port port) {
  std::string received;
  bool open = true;
  while (open && wait_readable(socket, stop_)) {
    std::array<char, 8192> buffer{};
    const auto got = recv(socket, buffer.data(), buffer.size(), 0);
    if (got <= 0) break;
    received.append(buffer.data(), static_cast<std::size_t>(got));
    const auto end = received.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    HubHttpRequest request = parse_request(std::string_view(received).substr(0, end + 2));
    request.cdn = port == Port::kCdn;
    received.erase(0, end + 4);
    HubHttpResponse response = answer(request);
    Hook change;
    {
      const std::scoped_lock lock(mutex_);
      seen_.push_back(request);
      const auto hook = std::find_if(hooks_.begin(), hooks_.end(), [&](const PendingHook& pending) {
        return pending.times > 0 && request.target.find(pending.part) != std::string::npos;
      });
      if (hook != hooks_.end()) {
        --hook->times;
        change = hook->change;
      }
    }
    if (change) change(request, response);
    open = send_response(socket, request, response, stop_);
  }
  shutdown(socket, SHUT_RDWR);
  close(socket);
}

HubHttpResponse HubServer::answer(const HubHttpRequest& request) {
  std::string_view target = request.target;
  if (request.cdn) {
    constexpr std::string_view kCdnPath = "/cdn/";
    std::string path(target.substr(0, target.find('?')));
    return answer_file(request, path.starts_with(kCdnPath) ? path.substr(kCdnPath.size()) : "");
  }
  HubHttpResponse missing;
  missing.status = 404;
  missing.body = R"({"error":"Repository not found"})";
  missing.set_header("X-Error-Code", "RepoNotFound");
  missing.set_header("X-Error-Message", "Repository not found");
  if (!target.starts_with(prefix_)) return missing;
  target.remove_prefix(prefix_.size());
  const std::string api = fmt::format("/api/models/{}/revision/", kRepo);
  if (target.starts_with(api)) {
    const std::string_view revision = target.substr(api.size(), target.find('?') - api.size());
    if (revision != "main" && revision != commit_) {
      missing.set_header("X-Error-Code", "RevisionNotFound");
      return missing;
    }
    HubHttpResponse response;
    response.body = listing();
    response.set_header("Content-Type", "application/json; charset=utf-8");
    return response;
  }
  for (const std::string_view revision : {std::string_view(commit_), std::string_view("main")}) {
    const std::string resolve = fmt::format("/{}/resolve/{}/", kRepo, revision);
    if (target.starts_with(resolve)) return answer_file(request, std::string(target.substr(resolve.size())));
  }
  return missing;
}

HubHttpResponse HubServer::answer_file(const HubHttpRequest& request, const std::string& encoded) {
  HubHttpResponse response;
  const auto file = files_.find(url_decoded(encoded));
  if (file == files_.end()) {
    response.status = 404;
    response.set_header("X-Error-Code", "EntryNotFound");
    return response;
  }
  const std::string& content = file->second.content;
  if (request.cdn) {
    apply_range(request, content, response);
    response.set_header("ETag", "\"0123456789abcdef0123456789abcdef-7\"");  // as a CDN names parts
    return response;
  }
  response.set_header("X-Repo-Commit", commit_);
  if (!file->second.large) {
    apply_range(request, content, response);
    response.set_header("ETag", fmt::format("\"{}\"", git_blob_hash(content)));
    return response;
  }
  response.status = 302;
  response.set_header("Location", fmt::format("{}/cdn/{}?Signature=secret", cdn(), encoded));
  response.set_header("X-Linked-Etag", fmt::format("\"{}\"", sha256_hex(content)));
  response.set_header("X-Linked-Size", fmt::format("{}", content.size()));
  response.body = "Found. Redirecting";
  return response;
}

bool HubServer::send_response(int socket, const HubHttpRequest& request, const HubHttpResponse& response,
                              const std::atomic<bool>& stop) {
  const bool length = response.send_length && !response.endless;
  std::string head = fmt::format("HTTP/1.1 {} Status\r\n", response.status);
  bool own_length = false;
  for (const auto& [name, value] : response.headers) {
    head += fmt::format("{}: {}\r\n", name, value);
    own_length = own_length || name == "Content-Length";
  }
  if (length && !own_length) head += fmt::format("Content-Length: {}\r\n", response.body.size());
  head += length ? "\r\n" : "Connection: close\r\n\r\n";
  if (!send_all(socket, head, stop)) return false;
  if (request.method == "HEAD") return length;

  std::string_view body = response.body;
  if (response.drop_after) body = body.substr(0, *response.drop_after);
  do {
    for (std::string_view rest = body; !rest.empty();) {
      const std::string_view chunk = rest.substr(0, response.chunk_bytes);
      if (!send_all(socket, chunk, stop)) return false;
      rest.remove_prefix(chunk.size());
      for (int waited = 0; waited < response.pause_ms && !rest.empty() && !stop; waited += 10) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
    }
  } while (response.endless && !stop);
  return length && !response.drop_after;
}

}  // namespace retort::testing
