#include "cli/terminal_reader.h"

#include <clocale>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <histedit.h>
#include <langinfo.h>
#include <termios.h>
#include <unistd.h>
#include <utility>

#include "cli/chat_history.h"
#include "cli/key_source.h"
#include "cli/wide_text.h"

namespace retort::cli {
namespace {

// libedit draws by the locale's idea of characters. Text here is always UTF-8, so where the environment names no such
// locale, take the one that every Debian has.
void use_utf8_locale() {
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

class TerminalReader final : public LineReader {
 public:
  explicit TerminalReader(HistoryFile history) : history_(history) {}
  ~TerminalReader() override {
    if (edit_ != nullptr) el_end(edit_);
    if (keeps_output_) tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }
  TerminalReader(const TerminalReader&) = delete;
  TerminalReader& operator=(const TerminalReader&) = delete;

  bool start() {
    use_utf8_locale();
    keep_output_at_interrupt();
    edit_ = el_init("retort", stdin, stdout, stderr);
    if (edit_ == nullptr) return false;
    el_wset(edit_, EL_CLIENTDATA, this);
    el_wset(edit_, EL_PROMPT, &TerminalReader::prompt);
    el_wset(edit_, EL_EDITOR, L"emacs");
    el_wset(edit_, EL_HIST, history_w, history_.handle());
    el_wset(edit_, EL_GETCFN, &TerminalReader::next_key);
    el_wset(edit_, EL_SETTY, L"-d", L"+noflsh", nullptr);
    el_wset(edit_, EL_BIND, L"^R", L"em-inc-search-prev", nullptr);
    el_wset(edit_, EL_BIND, L"^W", L"ed-delete-prev-word", nullptr);
    el_source(edit_, nullptr);  // ~/.editrc: a person's own keys
    return true;
  }

  InputLine read(std::string_view prompt) override {
    prompt_ = to_wide(prompt);
    keys_.start();
    // libedit would show the prompt first and only then take the keys from the terminal's own hands, which until then
    // echoes them and gathers them to a line.
    el_wset(edit_, EL_PREP_TERM, 1);
    int count = 0;
    const wchar_t* text = el_wgets(edit_, &count);
    keys_.stop();
    if (keys_.interrupted()) {
      std::fputs("^C\n", stdout);
      std::fflush(stdout);
      return {InputLine::Kind::kInterrupted, std::exchange(dropped_, {})};
    }
    if (text == nullptr || count <= 0) {
      std::fputs("\n", stdout);
      return {InputLine::Kind::kEnd, {}};
    }
    std::string line = to_utf8({text, static_cast<std::size_t>(count)});
    while (!line.empty() && line.back() == '\n') line.pop_back();
    return {InputLine::Kind::kText, std::move(line)};
  }

  void remember(std::string_view message) override { history_.add(message); }

 private:
  // At Ctrl-C a terminal throws away what it has not shown yet and what has not been read; that may be the next prompt,
  // and the text that Ctrl-C is to drop. Not so here, neither while an answer streams nor while a line is edited.
  void keep_output_at_interrupt() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios keeping = before_;
    keeping.c_lflag |= NOFLSH;
    keeps_output_ = tcsetattr(STDIN_FILENO, TCSADRAIN, &keeping) == 0;
  }

  static TerminalReader& of(EditLine* edit) {
    void* self = nullptr;
    el_wget(edit, EL_CLIENTDATA, &self);
    return *static_cast<TerminalReader*>(self);
  }
  static wchar_t* prompt(EditLine* edit) { return of(edit).prompt_.data(); }

  // What libedit asks for its next character: 1 with one, 0 at the end of input, -1 to give up the line.
  static int next_key(EditLine* edit, wchar_t* key) {
    TerminalReader& self = of(edit);
    for (;;) {
      const KeyEvent event = self.keys_.next();
      switch (event.kind) {
        case KeyEvent::Kind::kKey:
          *key = event.key;
          return 1;
        case KeyEvent::Kind::kPaste:
          // The whole text at once, its line breaks in it.
          el_winsertstr(edit, to_wide(event.text).c_str());
          el_wset(edit, EL_REFRESH);
          continue;
        case KeyEvent::Kind::kResized:
          // The terminal has broken the line anew, and libedit will draw it whole: off with what stands there.
          std::fputs("\r\x1b[J", stdout);
          std::fflush(stdout);
          el_resize(edit);
          el_wset(edit, EL_REFRESH);
          continue;
        case KeyEvent::Kind::kSuspend:
          el_wset(edit, EL_PREP_TERM, 0);
          self.keys_.stop();
          std::raise(SIGSTOP);  // until the shell lets us go on
          self.keys_.start();
          el_wset(edit, EL_PREP_TERM, 1);
          el_wset(edit, EL_REFRESH);
          continue;
        case KeyEvent::Kind::kInterrupted: {
          const LineInfoW* line = el_wline(edit);
          self.dropped_ = to_utf8({line->buffer, static_cast<std::size_t>(line->lastchar - line->buffer)});
          self.dropped_ += self.keys_.take_waiting();  // typed before it, though not yet read
          return -1;
        }
        case KeyEvent::Kind::kEnd:
          return 0;
      }
    }
  }

  ChatHistory history_;
  KeySource keys_;
  EditLine* edit_ = nullptr;
  std::wstring prompt_;
  std::string dropped_;  ///< by Ctrl-C
  termios before_{};
  bool keeps_output_ = false;
};

}  // namespace

std::unique_ptr<LineReader> make_terminal_reader(HistoryFile history) {
  auto reader = std::make_unique<TerminalReader>(history);
  if (!reader->start()) return nullptr;
  return reader;
}

}  // namespace retort::cli
