// A small model hub on 127.0.0.1 for tests of downloading: real sockets, and every way of misbehaving that a test asks
// for. Large files are redirected to a second port, as the real hub sends them to a CDN.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "testing/hub_content.h"

namespace retort::testing {

struct HubHttpRequest {
  std::string method;
  std::string target;                          ///< path and query as sent
  std::map<std::string, std::string> headers;  ///< names in lower case
  bool cdn = false;                            ///< came in on the second port

  [[nodiscard]] std::string header(const std::string& name) const;
  /// N of "Range: bytes=N-", or nullopt.
  [[nodiscard]] std::optional<std::uint64_t> range_from() const;
};

/// What goes out, and how badly.
struct HubHttpResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool send_length = true;                ///< else the body ends with the connection
  std::optional<std::size_t> drop_after;  ///< close after so many bytes of the body
  bool endless = false;                   ///< repeats the body until the other side has had enough
  std::size_t chunk_bytes = 64 * 1024;    ///< sent at a time ...
  int pause_ms = 0;                       ///< ... with this between

  void set_header(const std::string& name, const std::string& value);
};

struct ServedFile {
  std::string content;
  bool large = false;  ///< by LFS: sha256 in the listing, redirected to the CDN
};

class HubServer {
 public:
  HubServer();
  ~HubServer();
  HubServer(const HubServer&) = delete;
  HubServer& operator=(const HubServer&) = delete;

  /// "http://127.0.0.1:PORT" and `prefix`.
  [[nodiscard]] std::string endpoint() const;
  [[nodiscard]] std::string cdn() const;
  void set_prefix(std::string prefix) { prefix_ = std::move(prefix); }

  // The repo "org/name" at one commit. Set up before the first request.
  static constexpr std::string_view kRepo = "org/name";
  [[nodiscard]] const std::string& commit() const { return commit_; }
  void add(std::string path, std::string content, bool large = false);
  /// Instead of the listing made from the files.
  void set_listing(std::string json) { listing_ = std::move(json); }
  [[nodiscard]] std::string listing() const;

  /// Called with the answer that would be given, for the next `times` requests whose target holds `part` (on either
  /// port); the first hook that applies is used. Thread-safe.
  using Hook = std::function<void(const HubHttpRequest&, HubHttpResponse&)>;
  void hook(std::string part, int times, Hook change);

  /// All so far. Thread-safe.
  [[nodiscard]] std::vector<HubHttpRequest> requests() const;
  /// Those whose target holds `part`.
  [[nodiscard]] std::vector<HubHttpRequest> requests(std::string_view part) const;

 private:
  struct PendingHook {
    std::string part;
    int times;
    Hook change;
  };
  enum class Port { kHub, kCdn };

  void serve(int listener, Port port);
  void talk(int socket, Port port);
  HubHttpResponse answer(const HubHttpRequest& request);
  HubHttpResponse answer_file(const HubHttpRequest& request, const std::string& encoded);
  static bool send_response(int socket, const HubHttpRequest& request, const HubHttpResponse& response,
                            const std::atomic<bool>& stop);

  int hub_listener_ = -1;
  int cdn_listener_ = -1;
  int hub_port_ = 0;
  int cdn_port_ = 0;
  std::string prefix_;
  std::string commit_;
  std::map<std::string, ServedFile> files_;
  std::optional<std::string> listing_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;  // for the rest
  std::vector<PendingHook> hooks_;
  std::vector<HubHttpRequest> seen_;
  std::vector<std::thread> talkers_;
  std::thread hub_thread_;
  std::thread cdn_thread_;
};

}  // namespace retort::testing
