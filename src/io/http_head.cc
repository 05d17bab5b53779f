#include "io/http_head.h"

#include <algorithm>
#include <charconv>

namespace retort {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// W/"abc" and "abc" are abc.
std::string plain_etag(std::string_view text) {
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return std::string(text);
}

// bytes 100-199/200
void read_range(std::string_view text, HttpHead& head) {
  if (!text.starts_with("bytes ")) return;
  text.remove_prefix(6);
  const auto dash = text.find('-');
  const auto slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) return;
  head.range_first = parse_number<std::uint64_t>(text.substr(0, dash));
  head.range_total = parse_number<std::uint64_t>(text.substr(slash + 1));
}

}  // namespace

bool HttpHeadReader::line(std::string_view text) {
  constexpr std::size_t kMaxHead = 256 * 1024;  // of all headers of a request; real ones have a few KiB
  constexpr std::size_t kMaxValue = 4096;
  constexpr int kMaxWaitSeconds = 3600;
  bytes_ += text.size();
  if (bytes_ > kMaxHead) return false;
  if (text.starts_with("HTTP/")) {
    head_ = HttpHead();
    const auto space = text.find(' ');
    if (space != std::string_view::npos) head_.status = parse_number<int>(text.substr(space + 1, 3)).value_or(0);
    return true;
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return true;
  const std::string_view name = trim(text.substr(0, colon));
  const std::string_view value = trim(text.substr(colon + 1)).substr(0, kMaxValue);
  const auto is = [&](std::string_view wanted) { return same_ignoring_case(name, wanted); };

  if (is("content-length")) head_.content_length = parse_number<std::uint64_t>(value);
  if (is("content-range")) read_range(value, head_);
  if (is("content-encoding")) head_.encoding = same_ignoring_case(value, "identity") ? "" : std::string(value);
  if (is("etag")) head_.etag = plain_etag(value);
  if (is("x-linked-etag")) head_.linked_etag = plain_etag(value);
  if (is("x-linked-size")) head_.linked_size = parse_number<std::uint64_t>(value);
  if (is("x-repo-commit")) head_.repo_commit = value;
  if (is("x-error-code")) head_.error_code = value;
  if (is("x-error-message")) head_.error_message = value;
  if (is("retry-after")) {
    if (const auto seconds = parse_number<int>(value); seconds && *seconds >= 0) {
      head_.retry_after_seconds = std::min(*seconds, kMaxWaitSeconds);
    }
  }
  return true;
}

}  // namespace retort
