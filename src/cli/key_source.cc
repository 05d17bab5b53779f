#include "cli/key_source.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <unistd.h>

#include "cli/wide_text.h"

namespace retort::cli {
namespace {

constexpr int kSignals[] = {SIGINT, SIGWINCH, SIGTSTP};
constexpr unsigned char kEscape = 0x1b;
// What follows the escape character around a paste.
constexpr std::string_view kPasteBegin = "[200~";
constexpr std::string_view kPasteEnd = "\x1b[201~";

// A signal handler can reach nothing but a static.
volatile sig_atomic_t g_signal_pipe = -1;

extern "C" void on_signal(int number) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(number);
  if (write(static_cast<int>(g_signal_pipe), &byte, 1) < 0) {
    // The pipe is full: what is in it will wake the reader as well.
  }
  errno = saved;
}

void write_terminal(std::string_view codes) {
  std::fwrite(codes.data(), 1, codes.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

KeySource::KeySource() {
  if (pipe2(signal_pipe_, O_CLOEXEC | O_NONBLOCK) == 0) g_signal_pipe = signal_pipe_[1];
}

KeySource::~KeySource() {
  stop();
  g_signal_pipe = -1;
  for (const int descriptor : signal_pipe_) {
    if (descriptor >= 0) close(descriptor);
  }
}

void KeySource::start() {
  unsigned char old[64];
  while (read(signal_pipe_[0], old, sizeof(old)) > 0) {
  }
  interrupted_ = false;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < 3; ++i) sigaction(kSignals[i], &action, &before_[i]);
  started_ = true;
  write_terminal("\x1b[?2004h");
}

void KeySource::stop() {
  if (!started_) return;
  started_ = false;
  write_terminal("\x1b[?2004l");
  for (int i = 0; i < 3; ++i) sigaction(kSignals[i], &before_[i], nullptr);
}

KeySource::Read KeySource::read_byte() {
  if (!pushed_back_.empty()) {
    const unsigned char byte = pushed_back_.front();
    pushed_back_.pop_front();
    return {KeyEvent::Kind::kKey, byte};
  }
  for (;;) {
    pollfd sources[2] = {{STDIN_FILENO, POLLIN, 0}, {signal_pipe_[0], POLLIN, 0}};
    if (poll(sources, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return {KeyEvent::Kind::kEnd, 0};
    }
    unsigned char byte = 0;
    if ((sources[1].revents & POLLIN) != 0 && read(signal_pipe_[0], &byte, 1) == 1) {
      if (byte == SIGWINCH) return {KeyEvent::Kind::kResized, 0};
      if (byte == SIGTSTP) return {KeyEvent::Kind::kSuspend, 0};
      interrupted_ = true;
      return {KeyEvent::Kind::kInterrupted, 0};
    }
    if (sources[0].revents == 0) continue;
    const ssize_t n = read(STDIN_FILENO, &byte, 1);
    if (n == 1) return {KeyEvent::Kind::kKey, byte};
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    return {KeyEvent::Kind::kEnd, 0};
  }
}

std::string KeySource::take_waiting() {
  std::string waiting(pushed_back_.begin(), pushed_back_.end());
  pushed_back_.clear();
  char buffer[256];
  pollfd keys = {STDIN_FILENO, POLLIN, 0};
  while (poll(&keys, 1, 0) > 0) {
    const ssize_t n = read(STDIN_FILENO, buffer, sizeof(buffer));
    if (n <= 0) break;
    waiting.append(buffer, static_cast<std::size_t>(n));
  }
  return waiting;
}

bool KeySource::more_within(int milliseconds) const {
  if (!pushed_back_.empty()) return true;
  pollfd keys = {STDIN_FILENO, POLLIN, 0};
  return poll(&keys, 1, milliseconds) > 0;
}

KeyEvent KeySource::next() {
  const Read first = read_byte();
  if (first.kind != KeyEvent::Kind::kKey) return {first.kind, 0, {}};
  if (first.byte != kEscape) return read_character(first.byte);
  // An escape sequence comes in one go; an escape key that was pressed stands alone.
  constexpr int kSequenceGap_ms = 30;
  std::string sequence;
  while (sequence.size() < kPasteBegin.size() && kPasteBegin.starts_with(sequence) && more_within(kSequenceGap_ms)) {
    const Read more = read_byte();
    if (more.kind != KeyEvent::Kind::kKey) return {more.kind, 0, {}};
    sequence += static_cast<char>(more.byte);
  }
  if (sequence == kPasteBegin) return read_paste();
  pushed_back_.insert(pushed_back_.begin(), sequence.begin(), sequence.end());
  return {KeyEvent::Kind::kKey, static_cast<wchar_t>(kEscape), {}};
}

KeyEvent KeySource::read_paste() {
  std::string text;
  while (!text.ends_with(kPasteEnd)) {
    const Read more = read_byte();
    if (more.kind == KeyEvent::Kind::kResized) continue;
    if (more.kind != KeyEvent::Kind::kKey) return {more.kind, 0, {}};
    text += static_cast<char>(more.byte);
  }
  text.resize(text.size() - kPasteEnd.size());
  return {KeyEvent::Kind::kPaste, 0, clean_paste(text)};
}

KeyEvent KeySource::read_character(unsigned char lead) {
  std::string bytes(1, static_cast<char>(lead));
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  while (bytes.size() < length) {
    const Read more = read_byte();
    if (more.kind != KeyEvent::Kind::kKey) return {more.kind, 0, {}};
    bytes += static_cast<char>(more.byte);
  }
  const std::wstring wide = to_wide(bytes);
  return {KeyEvent::Kind::kKey, wide.empty() ? L'\uFFFD' : wide.front(), {}};
}

std::string clean_paste(std::string_view text) {
  std::string clean;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\r') {
      clean += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else if (byte == '\n' || byte == '\t' || (byte >= 0x20 && byte != 0x7f)) {
      clean += text[i];
    }
  }
  return clean;
}

}  // namespace retort::cli
