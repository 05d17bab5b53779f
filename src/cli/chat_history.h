// What was typed in chats before, across runs.
#pragma once

#include <filesystem>
#include <histedit.h>
#include <string_view>

#include "cli/line_reader.h"

namespace retort::cli {

/// Loads when made, saves after each message. A file that cannot be read or written is told once, as a warning.
class ChatHistory {
 public:
  explicit ChatHistory(HistoryFile use);
  ~ChatHistory();
  ChatHistory(const ChatHistory&) = delete;
  ChatHistory& operator=(const ChatHistory&) = delete;

  void add(std::string_view message);
  [[nodiscard]] HistoryW* handle() const { return history_; }

 private:
  void save();

  HistoryW* history_;
  std::filesystem::path path_;  ///< empty: none
};

}  // namespace retort::cli
