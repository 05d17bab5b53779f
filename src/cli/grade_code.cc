// retort grade code: runs generated code in a sandbox and says whether it passes its tests.
#include "grade/code/grade_code.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/grade_commands.h"
#include "cli/input_text.h"
#include "core/json.h"
#include "core/parallel.h"
#include "grade/code/extract_code.h"

namespace retort::cli {
namespace {

using grade::CodeGrader;
using grade::CodeLanguage;
using grade::GradeRequest;
using grade::GradeResult;
using grade::Limits;
using grade::Verdict;

struct Options {
  std::string language = "python";
  std::optional<std::string> source;
  std::optional<std::string> response;
  std::optional<std::string> tests;
  std::optional<std::string> input;
  int jobs = 0;
  int warm = -1;
  std::optional<double> time_limit;
  std::optional<double> wall_limit;
  std::optional<std::int64_t> memory_limit;
  std::optional<std::int64_t> output_limit;
  std::optional<std::int64_t> file_limit;
  std::optional<std::int64_t> process_limit;
  bool stop_at_failure = false;
  grade::SandboxTools tools;
};

// Beyond this a limit is refused anyway; it keeps what follows from overflowing.
constexpr double kMostSeconds = 1e6;
constexpr std::int64_t kMostMiB = std::int64_t{1} << 30;

Expected<std::int64_t> as_ms(std::string_view option, double seconds) {
  if (seconds > 0 && seconds <= kMostSeconds) return static_cast<std::int64_t>(std::ceil(1000 * seconds));
  return fail(ErrorCode::kInvalidArgument, "{}: expected seconds above 0 but found {}", option, seconds);
}

Expected<std::int64_t> as_bytes(std::string_view option, std::int64_t mib) {
  if (mib > 0 && mib <= kMostMiB) return mib << 20;
  return fail(ErrorCode::kInvalidArgument, "{}: expected MiB above 0 but found {}", option, mib);
}

Expected<Limits> limits_of(const Options& options) {
  Limits limits;
  if (options.time_limit) {
    RETORT_TRY(limits.cpu_ms, as_ms("--time-limit", *options.time_limit));
  }
  if (options.wall_limit) {
    RETORT_TRY(limits.wall_ms, as_ms("--wall-limit", *options.wall_limit));
  }
  if (options.memory_limit) {
    RETORT_TRY(limits.memory_bytes, as_bytes("--memory-limit", *options.memory_limit));
  }
  if (options.output_limit) {
    RETORT_TRY(limits.output_bytes, as_bytes("--output-limit", *options.output_limit));
  }
  if (options.file_limit) {
    RETORT_TRY(limits.file_bytes, as_bytes("--file-limit", *options.file_limit));
  }
  if (options.process_limit) {
    limits.processes = static_cast<int>(std::clamp<std::int64_t>(*options.process_limit, 0, 1'000'000));
  }
  RETORT_TRY_STATUS(grade::check_limits(limits));
  return limits;
}

Expected<CodeLanguage> language_of(std::string_view name) {
  if (const std::optional<CodeLanguage> language = grade::code_language_from(name)) return *language;
  return fail(ErrorCode::kInvalidArgument, "language: expected python or cpp but found '{}'", name);
}

struct Answer {
  std::optional<std::string> source;
  std::optional<std::string> response;
};

// The program that is judged.
std::string program_of(const Answer& answer, const grade::CodeTests& tests, CodeLanguage language) {
  std::string code = answer.source ? *answer.source : grade::code_of_response(*answer.response, language).value_or("");
  if (tests.prompt.empty()) return code;
  return grade::completed_program(tests.prompt, code, tests.entry_point, language);
}

Expected<GradeRequest> make_request(const Options& options, const Answer& answer, std::string_view language_name,
                                    const Json& tests_json) {
  GradeRequest request;
  RETORT_TRY(request.language, language_of(language_name));
  RETORT_TRY(request.tests, grade::read_code_tests(tests_json, request.language, "tests"));
  request.source = program_of(answer, request.tests, request.language);
  if (options.stop_at_failure) request.after = GradeRequest::After::kStopAtFailure;
  return request;
}

// One line of --input.
Expected<GradeRequest> request_of_line(const Options& options, const Json& line) {
  if (!line.is_object()) return fail(ErrorCode::kCorrupt, "expected an object but found {}", line.type_name());
  Answer answer;
  if (json_find(line, "source") != nullptr) {
    RETORT_TRY(answer.source, json_string(line, "source"));
  } else if (json_find(line, "response") != nullptr) {
    RETORT_TRY(answer.response, json_string(line, "response"));
  } else {
    return fail(ErrorCode::kNotFound, "expected 'source' (code) or 'response' (what a model said)");
  }
  const Json* tests = json_find(line, "tests");
  if (tests == nullptr) return fail(ErrorCode::kNotFound, "'tests' is missing: expected an object with 'type'");
  RETORT_TRY(const std::string language, json_string(line, "language", options.language));
  RETORT_TRY(GradeRequest request, make_request(options, answer, language, *tests));
  if (json_find(line, "time_limit") != nullptr || json_find(line, "memory_limit") != nullptr) {
    RETORT_TRY(Limits limits, limits_of(options));
    RETORT_TRY(const double seconds, json_number(line, "time_limit", static_cast<double>(limits.cpu_ms) / 1000));
    RETORT_TRY(limits.cpu_ms, as_ms("time_limit", seconds));
    RETORT_TRY(const std::int64_t mib, json_int(line, "memory_limit", {1, kMostMiB}, limits.memory_bytes >> 20));
    RETORT_TRY(limits.memory_bytes, as_bytes("memory_limit", mib));
    request.limits = limits;
  }
  return request;
}

OrderedJson as_json(const GradeResult& result) {
  OrderedJson tests = OrderedJson::array();
  for (const grade::TestResult& test : result.tests) {
    OrderedJson one = {{"verdict", to_string(test.verdict)}};
    if (!test.message.empty()) one["message"] = test.message;
    one["wall_ms"] = std::round(10 * test.wall_ms) / 10;
    one["cpu_ms"] = std::round(10 * test.cpu_ms) / 10;
    one["peak_memory"] = test.peak_memory;
    tests.push_back(std::move(one));
  }
  OrderedJson json = {{"verdict", to_string(result.verdict)}, {"passed", result.passed}, {"total", result.total}};
  if (!result.message.empty()) json["message"] = result.message;
  json["tests"] = std::move(tests);
  return json;
}

struct Tally {
  std::size_t judged = 0;
  std::size_t refused = 0;
  std::size_t errors = 0;
  std::string first_trouble;
};

void print_result(const Json& id, const Expected<GradeResult>& result, Tally& tally) {
  OrderedJson json = OrderedJson::object();
  if (!id.is_null()) json["id"] = id;
  if (result) {
    json.update(as_json(*result));
    ++tally.judged;
    if (result->verdict == Verdict::kSandboxRefused) {
      ++tally.refused;
      if (tally.first_trouble.empty()) tally.first_trouble = result->message;
    }
  } else {
    json["error"] = result.error().message();
    ++tally.errors;
    if (tally.first_trouble.empty()) tally.first_trouble = result.error().message();
  }
  fmt::print("{}\n", json_text(json));
}

Status whether_all_judged(const Tally& tally) {
  if (tally.refused == 0 && tally.errors == 0) return {};
  return fail(ErrorCode::kUnsupported, "{} not judged: {}", tally.refused + tally.errors, tally.first_trouble);
}

struct Line {
  Json id;
  Expected<GradeRequest> request;
};

Line read_line(const Options& options, std::string_view text, std::size_t number) {
  const std::string what = fmt::format("line {}", number);
  Expected<Json> json = parse_json(text, what);
  if (!json) return {nullptr, fail(json.error())};
  const Json* id = json->is_object() ? json_find(*json, "id") : nullptr;
  Line line = {id != nullptr ? *id : Json(nullptr), request_of_line(options, *json)};
  if (!line.request) line.request = fail(Error(line.request.error()).within(what));
  return line;
}

void judge_lines(CodeGrader& grader, std::vector<Line> lines, int jobs, Tally& tally) {
  std::vector<GradeRequest> requests;
  for (Line& line : lines) {
    if (line.request) requests.push_back(*std::move(line.request));
  }
  std::vector<Expected<GradeResult>> results = grade::grade_all(grader, requests, jobs);
  std::size_t next = 0;
  for (const Line& line : lines) {
    if (line.request) {
      print_result(line.id, results[next++], tally);
    } else {
      print_result(line.id, fail(line.request.error()), tally);
    }
  }
  std::fflush(stdout);
}

Status run_lines(const Options& options, CodeGrader& grader, int jobs) {
  RETORT_TRY(const std::string text, read_file(*options.input));
  const std::size_t batch = 8 * static_cast<std::size_t>(jobs);  // results come out while others still run
  Tally tally;
  std::vector<Line> lines;
  std::size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    lines.push_back(read_line(options, line, number));
    if (lines.size() == batch) judge_lines(grader, std::exchange(lines, {}), jobs, tally);
  }
  judge_lines(grader, std::move(lines), jobs, tally);
  return whether_all_judged(tally);
}

Status run_one(const Options& options, CodeGrader& grader) {
  if (!options.tests) return fail(ErrorCode::kInvalidArgument, "--tests is missing: a file with the tests, as JSON");
  RETORT_TRY(const std::string tests_text, read_file(*options.tests));
  RETORT_TRY(const Json tests, parse_json(tests_text, *options.tests));
  Answer answer;
  RETORT_TRY(std::string text, read_file(options.source ? *options.source : *options.response));
  (options.source ? answer.source : answer.response) = std::move(text);
  RETORT_TRY(const GradeRequest request, make_request(options, answer, options.language, tests));
  const Expected<GradeResult> result = grader.grade(request);
  if (!result) return fail(result.error());
  Tally tally;
  print_result(nullptr, result, tally);
  return whether_all_judged(tally);
}

Status run(const Options& options) {
  const int given = (options.source ? 1 : 0) + (options.response ? 1 : 0) + (options.input ? 1 : 0);
  if (given != 1) {
    return fail(ErrorCode::kInvalidArgument, "expected one of --source, --response and --input but found {}", given);
  }
  if (options.jobs < 0 || options.jobs > 1024) {
    return fail(ErrorCode::kInvalidArgument, "--jobs: expected a number from 0 to 1024 but found {}", options.jobs);
  }
  const int jobs = options.jobs > 0 ? options.jobs : thread_count();
  RETORT_TRY(const Limits limits, limits_of(options));
  // One test takes one interpreter, or two; a single run has nothing to gain from more.
  const int warm = std::clamp(options.warm >= 0 ? options.warm : options.input ? 2 * jobs : 0, 0, 1024);
  CodeGrader grader({.tools = options.tools, .limits = limits, .warm = warm});
  return options.input ? run_lines(options, grader, jobs) : run_one(options, grader);
}

}  // namespace

void add_grade_code(Command group) {
  auto options = std::make_shared<Options>();
  Command command = group.add_subcommand("code", "Run generated code in a sandbox against its tests");
  command.footer(
      "Prints one JSON object for each program:\n"
      "  {\"verdict\": ..., \"passed\": N, \"total\": N, \"message\": ..., \"tests\": [{\"verdict\": ...}, ...]}\n"
      "Verdicts: accepted, wrong answer, runtime error, time limit, memory limit, compile error, sandbox refused.\n"
      "A line of --input is {\"id\"?, \"language\"?, \"source\" | \"response\", \"tests\": {\"type\": ...}, "
      "\"time_limit\"?,\n"
      "\"memory_limit\"?}. Types of tests: stdio, checker, call, asserts, humaneval, mbpp; docs/grading-code.md has "
      "all of\n"
      "them. Without bubblewrap nothing is run. The exit code is 0 whatever the verdicts, and 1 where something could\n"
      "not be judged.");
  command.add("--language", options->language, "python or cpp; a line of --input may name its own").show_default();
  command.add("--source", options->source, "File with the code");
  command.add("--response", options->response, "File with what a model said: its last fenced block is the code");
  command.add("--tests", options->tests, "File with the tests, JSON");
  command.add("--input", options->input, "JSON lines, each a program and its tests; - for standard input");
  command.add("--jobs", options->jobs, "Programs at once with --input, 0 for as many as cores").show_default();
  command.add("--warm", options->warm, "Python interpreters that stand ready; -1: two for each job").show_default();
  command.add_flag("--stop-at-failure", options->stop_at_failure, "Run no more tests of a program once one has failed");
  const std::string limits = "Limits";
  command.add("--time-limit", options->time_limit, "Seconds of the processor for each test [6]").group(limits);
  command.add("--wall-limit", options->wall_limit, "Seconds on the clock [twice --time-limit and 1]").group(limits);
  command.add("--memory-limit", options->memory_limit, "MiB, all processes and /tmp together [1024]").group(limits);
  command.add("--output-limit", options->output_limit, "MiB on standard output [16]").group(limits);
  command.add("--file-limit", options->file_limit, "MiB in /tmp [64]").group(limits);
  command.add("--process-limit", options->process_limit, "Processes and threads [64]").group(limits);
  const std::string programs = "Programs";
  command.add("--bwrap", options->tools.bwrap, "bubblewrap").show_default().group(programs);
  command.add("--python", options->tools.python, "Below /usr").show_default().group(programs);
  command.add("--cxx", options->tools.cxx, "Below /usr").show_default().group(programs);
  command.on_use([options] { return run(*options); });
}

}  // namespace retort::cli
