// What a hub's refusal means, and what the person can do about it.
#include "io/hub_api.h"
#include "io/hub_names.h"

namespace retort {
namespace {

std::string refused_message(const HttpHead& head, const HubSettings& settings, const PullRequest& request,
                            std::string_view what) {
  const std::string page = fmt::format("{}/{}", settings.endpoint, request.repo);
  const bool have_token = !settings.token.empty();
  if (head.error_code == "GatedRepo") {
    return fmt::format("{} is gated: accept its licence at {} {} (HTTP {})", what, page,
                       have_token ? "with the account that the token in HF_TOKEN belongs to, then pull again"
                                  : "and put a token of that account into HF_TOKEN",
                       head.status);
  }
  if (head.status == 401 && !have_token) {
    return fmt::format(
        "{}: the hub wants to know who asks (HTTP 401): either there is no such repo (check the spelling: {}), or it "
        "is private or gated and HF_TOKEN must hold a token that may read it ({}/settings/tokens)",
        what, page, settings.endpoint);
  }
  if (head.status == 401) {
    return fmt::format(
        "{}: the hub refused the token (HTTP 401): it is wrong or has expired, or there is no such repo; check "
        "HF_TOKEN and the spelling: {}",
        what, page);
  }
  return fmt::format("{}: the hub forbids it (HTTP 403): {}; see {}", what,
                     have_token ? "the token in HF_TOKEN has no right to read it, or its licence is not yet accepted"
                                : "set HF_TOKEN to a token that may read it",
                     page);
}

std::string missing_message(const HttpHead& head, const HubSettings& settings, const PullRequest& request,
                            std::string_view what) {
  const std::string page = fmt::format("{}/{}", settings.endpoint, request.repo);
  if (head.error_code == "RevisionNotFound") {
    return fmt::format("{} has no branch, tag or commit '{}' (HTTP 404); see {}/tree/main", request.repo,
                       request.revision, page);
  }
  if (head.error_code == "EntryNotFound") return fmt::format("{}: no such file (HTTP 404)", what);
  return fmt::format("{}: no such repo or revision '{}' at {} (HTTP 404); check the spelling{}", what, request.revision,
                     settings.endpoint, settings.token.empty() ? ", or set HF_TOKEN if it is private" : "");
}

}  // namespace

HttpFailure explain_status(const HttpResponse& response, const HubSettings& settings, const PullRequest& request,
                           std::string_view what) {
  const HttpHead& head = response.head;
  // What a CDN refuses (an expired signature, say) is no matter of repos and tokens, and may work next time.
  const bool own = response.final_origin == url_origin(settings.endpoint);
  if (own && (head.status == 401 || head.status == 403)) {
    return {Error(ErrorCode::kNetwork, refused_message(head, settings, request, what))};
  }
  if (own && (head.status == 404 || head.status == 410)) {
    return {Error(ErrorCode::kNotFound, missing_message(head, settings, request, what))};
  }
  std::string said = head.error_message.empty() ? response.error_body : head.error_message;
  if (said.find('<') != std::string::npos) said.clear();  // a page of HTML tells a person nothing
  Error error(ErrorCode::kNetwork, fmt::format("{}: HTTP {} from {}{}{}", what, head.status, response.final_origin,
                                               said.empty() ? "" : ": ", shown_name(said, 200)));
  const int status = head.status;
  const bool passing = status == 408 || status == 425 || status == 429 || status >= 500 || (!own && status == 403);
  return {std::move(error), passing ? Retry::kLater : Retry::kNever, head.retry_after_seconds};
}

}  // namespace retort
