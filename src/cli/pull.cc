// retort pull: a model from the hub into the cache; of a folder that is here already, whether it is complete.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/pull_progress.h"
#include "core/json.h"
#include "core/log.h"
#include "core/units.h"
#include "io/checkpoint.h"
#include "io/hub.h"

namespace retort::cli {
namespace {
namespace fs = std::filesystem;

struct Options {
  PullRequest request;
  bool json = false;
  bool quiet = false;
};

void print_json(const OrderedJson& json) { fmt::print("{}\n", json_text(json)); }

// `model` is on this disk already: nothing to pull, but worth a look.
Status check_local(const Options& options) {
  const fs::path path = options.request.repo;
  const auto pointers = fs::is_directory(path) ? list_lfs_pointers(path) : std::vector<std::string>();
  const Status complete = [&]() -> Status {
    if (!pointers.empty()) return fail(ErrorCode::kCorrupt, "{}", lfs_pointer_message(path, pointers));
    RETORT_TRY(const Checkpoint checkpoint, Checkpoint::open(path.string()));
    return checkpoint.check_tensors();
  }();
  if (options.json) {
    print_json({{"path", path.string()},
                {"complete", complete.has_value()},
                {"problem", complete ? OrderedJson(nullptr) : OrderedJson(complete.error().message())},
                {"lfs_pointers", pointers}});
  }
  const std::string_view kind = fs::is_directory(path) ? "folder" : "file";
  if (!complete) {
    return fail(complete.error().code() == ErrorCode::kInvalidArgument ? ErrorCode::kCorrupt : complete.error().code(),
                "{} is a {} here and nothing was pulled; as a model it is not complete: {}", path.string(), kind,
                complete.error().message());
  }
  if (!options.json) {
    fmt::print("{} is a {} here and a complete model; nothing to pull. Use it as --model {}\n", path.string(), kind,
               path.string());
  }
  return {};
}

// What to give to --model: the snapshot, or the GGUF in it.
std::string model_argument(const PullResult& result) {
  for (const PulledFile& file : result.files) {  // sorted: the first part of a split comes first
    if (file.path.ends_with(".safetensors")) break;
    if (file.path.ends_with(".gguf")) return (result.snapshot / file.path).string();
  }
  return result.snapshot.string();
}

Status run(const Options& options) {
  std::error_code ignored;
  if (fs::exists(options.request.repo, ignored)) return check_local(options);
  const HubSettings settings = hub_settings_from_environment();
  if (options.quiet) set_log_level(std::max(log_level(), LogLevel::kWarn));
  if (settings.endpoint.starts_with("http:") && !settings.token.empty()) {
    log(LogLevel::kWarn, "the token goes to {} unencrypted", settings.endpoint);
  }

  PullDisplay display(options.quiet ? ProgressStyle::kNone : progress_style_of_stderr());
  const auto start = std::chrono::steady_clock::now();
  const InterruptScope interrupt;
  auto pulled = pull(
      settings, options.request, [&](const PullProgress& progress) { display.show(progress); }, interrupt.token());
  display.finish();
  RETORT_TRY(const PullResult result, std::move(pulled));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  if (options.json) {
    OrderedJson files = OrderedJson::array();
    for (const PulledFile& file : result.files) files.push_back({{"path", file.path}, {"bytes", file.bytes}});
    print_json({{"repo", options.request.repo},
                {"revision", options.request.revision},
                {"commit", result.commit},
                {"path", result.snapshot.string()},
                {"files", std::move(files)},
                {"downloaded_bytes", result.downloaded_bytes},
                {"seconds", seconds}});
    return {};
  }
  fmt::print("{}\n", model_argument(result));
  if (!options.quiet) {
    fmt::print(stderr, "{}: {} files at commit {}, {} loaded in {}\n", options.request.repo, result.files.size(),
               result.commit.substr(0, 12), format_bytes(result.downloaded_bytes), format_seconds(seconds));
  }
  return {};
}

}  // namespace

void add_pull(Command program) {
  auto options = std::make_shared<Options>();
  Command command = program.add_subcommand("pull", "Download a model from a Hugging Face-compatible hub");
  command.footer(
      "Without --include it takes what retort reads: configuration, tokenizer, chat template and safetensors, or the\n"
      "GGUF if there is just one. Prints the path of the model. What breaks off is resumed by the same command; sizes\n"
      "and hashes are checked before a file gets its name. The cache is the one that the Python tools use.\n"
      "A folder or file in place of REPO is not pulled but checked: complete, or Git LFS pointers?\n"
      "\n"
      "HF_ENDPOINT             the hub or a mirror [https://huggingface.co]\n"
      "HF_TOKEN, HF_TOKEN_PATH the token for private and gated repos, or the file with it [$HF_HOME/token]\n"
      "HF_HOME, HF_HUB_CACHE   where things are kept [~/.cache/huggingface, $HF_HOME/hub]\n"
      "HF_HUB_OFFLINE=1        look into the cache only\n"
      "CURL_CA_BUNDLE, SSL_CERT_FILE, REQUESTS_CA_BUNDLE   certificates to trust; http_proxy, https_proxy, no_proxy");
  command.add("repo", options->request.repo, "ORG/NAME, or a folder here").required().value_name("REPO");
  command.add("--revision", options->request.revision, "Branch, tag or commit").show_default();
  command
      .add("--include", options->request.include,
           "Only files whose path matches (*, ?, [a-z]; * also matches '/'); may be repeated")
      .value_name("GLOB")
      .shown_once();
  command.add("--parallel", options->request.parallel_files, "Files at a time, 1 to 32").show_default();
  command.add_flag("--json", options->json, "Machine-readable output");
  command.add_flag("--quiet", options->quiet, "No progress, no remarks");
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
