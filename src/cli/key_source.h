// Keys from the terminal as events: characters, whole pastes, and the signals that matter while a line is edited.
#pragma once

#include <csignal>
#include <deque>
#include <string>

namespace retort::cli {

struct KeyEvent {
  enum class Kind { kKey, kPaste, kInterrupted, kResized, kSuspend, kEnd };
  Kind kind = Kind::kEnd;
  wchar_t key = 0;
  std::string text;  ///< of a paste: UTF-8, line breaks as \n, no other control characters but \t
};

/// Between start() and stop() the terminal marks pastes ("bracketed paste"), and SIGINT, SIGWINCH and SIGTSTP come as
/// events. One in a process.
class KeySource {
 public:
  KeySource();
  ~KeySource();
  KeySource(const KeySource&) = delete;
  KeySource& operator=(const KeySource&) = delete;

  void start();
  void stop();
  KeyEvent next();
  /// Bytes that have come but are not read yet; they are gone then.
  std::string take_waiting();
  /// Ctrl-C came since start().
  [[nodiscard]] bool interrupted() const { return interrupted_; }

 private:
  struct Read {
    KeyEvent::Kind kind;  ///< kKey: `byte` is valid
    unsigned char byte;
  };
  Read read_byte();
  bool more_within(int milliseconds) const;
  KeyEvent read_paste();
  KeyEvent read_character(unsigned char lead);

  int signal_pipe_[2] = {-1, -1};  ///< a handler may only write; waiting is for both this and the keys
  struct sigaction before_[3]{};
  std::deque<unsigned char> pushed_back_;
  bool interrupted_ = false;
  bool started_ = false;
};

/// Text as it was pasted, made fit for a line: \r\n and \r become \n, control characters but \n and \t go.
std::string clean_paste(std::string_view text);

}  // namespace retort::cli
