#include "cli/interrupt.h"

namespace retort::cli {
namespace {

// A signal handler can reach nothing but a static.
CancelToken& process_token() {
  static CancelToken token;
  return token;
}

extern "C" void on_interrupt(int) { process_token().cancel(); }

}  // namespace

InterruptScope::InterruptScope(SecondInterrupt second) {
  process_token().reset();
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  // SA_RESTART: what is being written when Ctrl-C comes is written to its end, not lost to EINTR.
  action.sa_flags = SA_RESTART;
  if (second == SecondInterrupt::kEndProgram) action.sa_flags |= static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &before_);
}

InterruptScope::~InterruptScope() { sigaction(SIGINT, &before_, nullptr); }

void InterruptScope::reset() { process_token().reset(); }

const CancelToken& InterruptScope::token() const { return process_token(); }

}  // namespace retort::cli
