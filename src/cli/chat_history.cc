#include "cli/chat_history.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/wide_text.h"
#include "core/log.h"

namespace retort::cli {
namespace {

constexpr int kEntries = 1000;

// As the XDG base directory specification has it: a relative path there counts as none.
std::filesystem::path state_folder() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return std::filesystem::path(state) / "retort";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') return {};
  return std::filesystem::path(home) / ".local" / "state" / "retort";
}

}  // namespace

ChatHistory::ChatHistory(HistoryFile use) : history_(history_winit()) {
  HistEventW event;
  history_w(history_, &event, H_SETSIZE, kEntries);
  history_w(history_, &event, H_SETUNIQUE, 1);
  const std::filesystem::path folder = state_folder();
  if (use == HistoryFile::kNone || folder.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    log(LogLevel::kWarn, "{}: {}; this chat's history is not kept", folder.string(), error.message());
    return;
  }
  path_ = folder / "chat_history";
  history_w(history_, &event, H_LOAD, path_.c_str());  // fails where there is none yet: then it is empty
}

ChatHistory::~ChatHistory() { history_wend(history_); }

void ChatHistory::add(std::string_view message) {
  HistEventW event;
  history_w(history_, &event, H_ENTER, to_wide(message).c_str());
  if (!path_.empty()) save();
}

// Beside it and renamed, so that two chats that end together leave one whole file; nobody else may read it.
void ChatHistory::save() {
  const std::filesystem::path temporary = path_.string() + "." + std::to_string(getpid());
  const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  FILE* file = descriptor < 0 ? nullptr : fdopen(descriptor, "w");
  HistEventW event;
  bool ok = file != nullptr && history_w(history_, &event, H_SAVE_FP, file) >= 0;
  if (file != nullptr) ok = std::fclose(file) == 0 && ok;
  if (ok) ok = std::rename(temporary.c_str(), path_.c_str()) == 0;
  if (ok) return;
  log(LogLevel::kWarn, "{}: {}; this chat's history is not kept", path_.string(), std::strerror(errno));
  unlink(temporary.c_str());
  path_.clear();
}

}  // namespace retort::cli
