// retort pack: a model's matrices in the layout that they are multiplied in, in a file of their own.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/load.h"
#include "core/parallel.h"
#include "core/units.h"
#include "kernels/dispatch.h"
#include "nn/packed_weights.h"

namespace retort::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string model;
  std::string output;
  int threads = 0;
  bool check = false;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// One line that is written over, on a terminal; else nothing. One thread at a time.
class ProgressLine {
 public:
  ~ProgressLine() { clear(); }
  void show(std::uint64_t done, std::uint64_t total) {
    if (!terminal_ || (done < total && seconds_since(shown_) < 0.1)) return;
    shown_ = Clock::now();
    open_ = true;
    fmt::print(stderr, "\r{} of {} packed and hashed\x1b[K", format_bytes(done), format_bytes(total));
    std::fflush(stderr);
  }
  void clear() {
    if (open_) fmt::print(stderr, "\r\x1b[K");
    open_ = false;
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  bool open_ = false;
  Clock::time_point shown_;
};

Status run(const Options& options) {
  const InterruptScope interrupt;
  const auto start = Clock::now();
  RETORT_TRY(const auto checkpoint, open_checkpoint(options.model));
  if (options.threads != 0) {
    RETORT_TRY_STATUS(set_thread_count(options.threads));
  }
  RETORT_TRY(const KernelTable* const kernels, default_kernel_table());
  const fs::path path = options.output.empty() ? checkpoint->packed_path() : fs::path(options.output);
  if (options.check) {
    RETORT_TRY_STATUS(check_packed_file(path, *checkpoint, *kernels));
    fmt::print("{}: right, and packed from {}; {}\n", path.string(), checkpoint->name(),
               format_seconds(seconds_since(start)));
    return {};
  }
  ProgressLine line;
  auto packed = write_packed_file(
      path, *checkpoint, *kernels, [&](std::uint64_t done, std::uint64_t total) { line.show(done, total); },
      interrupt.token());
  line.clear();
  RETORT_TRY(const PackResult result, std::move(packed));
  fmt::print("{}: {} matrices of {} as {}, in {}\n", path.string(), result.tensors, format_bytes(result.source_bytes),
             format_bytes(result.file_bytes), format_seconds(seconds_since(start)));
  return {};
}

}  // namespace

void add_pack(Command program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_subcommand("pack", "Pack a model's weights into a file, so that it starts faster");
  command.footer(
      "The packed file holds the matrices as --quality fast multiplies them, with the same values: what it saves is\n"
      "packing them at every start. It lies beside the model, as FILE.gguf.packed or FOLDER/model.packed, where the\n"
      "other commands find it (--load-format auto); one that lies elsewhere is given to them with --packed-file. The\n"
      "model is still needed. The file gets its name when all of it is on the disk; Ctrl-C leaves nothing behind.");
  command.add("MODEL", options->model, "Checkpoint: folder, .gguf file or hub id").required();
  command.add("--output,-o", options->output, "Where to, in place of beside the model");
  command.add("--threads", options->threads, "Threads to pack with; 0: one per core (or RETORT_THREADS)")
      .show_default();
  command.add_flag("--check", options->check,
                   "Write nothing; read all of the packed file and of the model, and compare");
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
