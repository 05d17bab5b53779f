// A run as one page: what it counts, and that no text of a sample becomes more than text.
#include "eval/report.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "core/json.h"
#include "eval/report_page.h"
#include "eval/report_sample.h"
#include "testing/temp_dir.h"

namespace retort::eval {
namespace {

constexpr std::string_view kElement = R"(<script type="application/json" id="data">)";

Task maths_task() {
  Task task;
  task.name = "sums";
  task.title = "Sums";
  task.published.push_back({.model = "Other", .metric = "pass@1", .score = 83.9, .source = "a README"});
  return task;
}

const Json& sums_config() {
  static const Json config = {
      {"task", "sums"},
      {"seed", 7},
      {"max_tokens", 512},
      {"model", {{"model", "tiny"}, {"isa", "avx2"}, {"version", "0.1.0"}}},
  };
  return config;
}

Sample answered(const std::string& id, std::int64_t row, std::int64_t index, double score) {
  return {.question_id = id,
          .row = row,
          .index = index,
          .output = "<think>1 + 1 = 2</think>so 2 + 2 = 5",
          .finish_reason = "stop",
          .output_tokens = 10,
          .think_bytes = 24,
          .answer = score > 0 ? "4" : "5",
          .target = "4",
          .reason = "compared",
          .score = score};
}

OrderedJson json_of(const Task& task, const std::vector<Sample>& samples, const ReportLimits& limits = {}) {
  const Summary summary = summarize(samples);
  return report_json({.task = task,
                      .config = sums_config(),
                      .config_hash = "c0ffee",
                      .started_at = "2025-01-31T12:00:00Z",
                      .summary = summary,
                      .samples = samples},
                     limits);
}

/// What a browser takes the page's element of data to hold.
std::string data_element(const std::string& page) {
  const std::size_t begin = page.find(kElement) + kElement.size();
  return page.substr(begin, page.find("</script", begin) - begin);
}

TEST(Report, CountsEverySampleOnceByVerdict) {
  std::vector<Sample> samples = {answered("a", 0, 0, 1), answered("a", 0, 1, 0), answered("b", 1, 0, 0.5),
                                 answered("b", 1, 1, 1), answered("c", 2, 0, 0), answered("c", 2, 1, 0)};
  samples[1].outcome = Outcome::kUnparsed;
  samples[1].finish_reason = "length";
  samples[4].outcome = Outcome::kFailed;
  samples[5].outcome = Outcome::kTimedOut;
  samples[5].output = " \n";
  const OrderedJson data = json_of(maths_task(), samples);
  const OrderedJson expected = {{"questions", 3}, {"samples", 6},        {"right", 2},       {"wrong", 1},
                                {"unparsed", 1},  {"truncated", 1},      {"timed_out", 1},   {"failed", 1},
                                {"empty", 1},     {"fewest_samples", 2}, {"most_samples", 2}};
  EXPECT_EQ(data["counters"], expected) << data["counters"];
  ASSERT_EQ(data["samples"].size(), 6U);
  EXPECT_EQ(data["questions"].size(), 3U);
  EXPECT_EQ(data["samples"][5]["question"], 2);
  EXPECT_EQ(data["samples"][1]["verdict"], "unparsed");
  EXPECT_EQ(data["samples"][1]["truncated"], true);
  EXPECT_EQ(data["samples"][5]["empty"], true);
}

TEST(Report, TellsWhatWasMeasuredAndHow) {
  const OrderedJson data = json_of(
      maths_task(), {answered("a", 0, 0, 1), answered("a", 0, 1, 0), answered("b", 1, 0, 0), answered("b", 1, 1, 0)});
  EXPECT_EQ(data["run"]["model"], "tiny");
  EXPECT_EQ(data["run"]["isa"], "avx2");
  EXPECT_EQ(data["run"]["seed"], 7);
  EXPECT_EQ(data["run"]["config_sha256"], "c0ffee");
  EXPECT_EQ(data["metrics"][0]["name"], "pass@1");
  EXPECT_EQ(data["metrics"][0]["value"], 0.25);
  EXPECT_EQ(data["metrics"][0]["bootstrap"], true);
  EXPECT_EQ(data["metrics"][1]["name"], "pass@2");
  EXPECT_EQ(data["metrics"][1]["bootstrap"], false);
  EXPECT_EQ(data["at_k"]["pass"].size(), 2U);
  EXPECT_EQ(data["at_k"]["pass"][1]["value"], 0.5);
  ASSERT_EQ(data["at_k"]["maj"].size(), 1U);
  EXPECT_EQ(data["at_k"]["maj"][0]["value"], 0.5);  // of equally many the first, which is right
  EXPECT_EQ(data["published"][0]["score"], 83.9);
  EXPECT_FALSE(data["questions"][0].contains("subject"));
}

TEST(Report, MajorityAtKTakesTheFirstKSamples) {
  std::vector<Sample> samples;
  for (std::int64_t i = 0; i < 4; ++i) samples.push_back(answered("a", 0, i, i < 1 ? 1 : 0));
  const OrderedJson maj = json_of(maths_task(), samples)["at_k"]["maj"];
  ASSERT_EQ(maj.size(), 2U);
  EXPECT_EQ(maj[0]["k"], 2);
  EXPECT_EQ(maj[0]["value"], 1);
  EXPECT_EQ(maj[1]["k"], 4);
  EXPECT_EQ(maj[1]["value"], 0);
}

TEST(Report, SplitsReasoningFromAnswerAndChecksSteps) {
  const OrderedJson data = json_of(maths_task(), {answered("a", 0, 0, 0)});
  const OrderedJson& sample = data["samples"][0];
  EXPECT_EQ(sample["reasoning"], "<think>1 + 1 = 2</think>");
  EXPECT_EQ(sample["output"], "so 2 + 2 = 5");
  ASSERT_TRUE(sample.contains("steps"));
  ASSERT_EQ(sample["steps"].size(), 2U);
  EXPECT_EQ(sample["steps"][0]["verdict"], "right");
  EXPECT_EQ(sample["steps"][1]["verdict"], "wrong");
  Task code = maths_task();
  code.grade.kind = GradeKind::kCodeHumanEval;
  EXPECT_FALSE(json_of(code, {answered("a", 0, 0, 0)})["samples"][0].contains("steps"));
}

TEST(Report, SubjectsComeFromTheRowsOfTheSameQuestion) {
  const Task task = maths_task();
  TaskRows rows;
  rows.questions.rows = {{.line = 1, .value = {{"subject", "Algebra"}, {"level", 5}}},
                         {.line = 2, .value = {{"subject", "Geometry"}}}};
  rows.ids = {"a", "another"};
  const std::vector<Sample> samples = {answered("a", 0, 0, 1), answered("b", 1, 0, 1), answered("c", 99, 0, 1),
                                       answered("d", -1, 0, 1)};
  const Summary summary = summarize(samples);
  const OrderedJson questions = report_json({.task = task,
                                             .config = sums_config(),
                                             .config_hash = "",
                                             .started_at = "",
                                             .summary = summary,
                                             .samples = samples,
                                             .rows = &rows})["questions"];
  EXPECT_EQ(questions[0]["subject"], "Algebra");
  EXPECT_EQ(questions[0]["level"], "5");
  for (const std::size_t other : {1U, 2U, 3U}) EXPECT_FALSE(questions[other].contains("subject")) << other;
}

TEST(Report, AnEmptyRunIsAPage) {
  const OrderedJson data = json_of(maths_task(), {});
  EXPECT_EQ(data["counters"]["samples"], 0);
  EXPECT_TRUE(data["samples"].empty());
  EXPECT_TRUE(parse_json(data_element(report_page(data)), "data").has_value());
}

TEST(Report, NoTextEndsItsElementOrRuns) {
  const std::array<std::string, 7> hostile = {"</script><script>alert(1)</script>",
                                              "<!-- <script>",
                                              "</SCRIPT >",
                                              "]]>&lt;/script&gt;<img src=x onerror=alert(1)>",
                                              "a\xE2\x80\xA8"
                                              "b\xE2\x80\xA9"
                                              "c",
                                              std::string("nul\0 \x7F \x1B[31m", 12),
                                              "\xFF\xC0\xAF broken \xE2\x80"};
  for (const std::string& text : hostile) {
    Sample sample = answered(text, 0, 0, 0);
    sample.output = text;
    sample.answer = text;
    sample.target = text;
    sample.reason = text;
    sample.finish_reason = text;
    sample.prompt_sha256 = text;
    sample.think_bytes = 3;
    sample.metrics[text] = 1;
    Task task = maths_task();
    task.title = text;
    task.published[0].source = text;
    const std::string plain = report_page(json_of(maths_task(), {}));
    const std::string page = report_page(json_of(task, {sample}));
    const auto count = [](const std::string& in, char byte) { return std::count(in.begin(), in.end(), byte); };
    // What marks elements is as often in the page as without any of it.
    EXPECT_EQ(count(page, '<'), count(plain, '<')) << text;
    EXPECT_EQ(count(page, '>'), count(plain, '>')) << text;
    EXPECT_EQ(count(page, '&'), count(plain, '&')) << text;
    const std::string element = data_element(page);
    EXPECT_EQ(element.find("\xE2\x80\xA8"), std::string::npos);
    EXPECT_EQ(element.find("\xE2\x80\xA9"), std::string::npos);
    EXPECT_EQ(element.find('\0'), std::string::npos);
    const auto parsed = parse_json(element, "data");
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
    if (text.front() != '\xFF') {
      EXPECT_EQ(parsed->at("samples")[0]["answer"], text);
    }
  }
}

TEST(Report, NeverMakesElementsOfTexts) {
  const std::string page = report_page(json_of(maths_task(), {}));
  for (const char* sink :
       {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "setTimeout(\"",
        "javascript:", "http-equiv=\"refresh", "fetch(", "XMLHttpRequest", "@import", "url("}) {
    EXPECT_EQ(page.find(sink), std::string::npos) << sink;
  }
  // One address, of a name space, which nothing asks for.
  std::size_t addresses = 0;
  for (std::size_t at = page.find("http://"); at != std::string::npos; at = page.find("http://", at + 1)) ++addresses;
  EXPECT_EQ(addresses, 1U);
  EXPECT_EQ(page.find("https://"), std::string::npos);
}

TEST(Report, LongOutputsAreCutInTheMiddleAndItIsTold) {
  Sample sample = answered("a", 0, 0, 0);
  sample.think_bytes = 0;
  sample.output.clear();
  for (int i = 0; i < 1000; ++i) sample.output += "\xE4\xBD\xA0";
  sample.output += " the end";
  const OrderedJson shown = json_of(maths_task(), {sample}, {.output_bytes = 10, .least_bytes = 301})["samples"][0];
  const auto text = shown["output"].get<std::string>();
  EXPECT_EQ(text.substr(text.size() - 8), " the end");
  EXPECT_NE(text.find("[...]"), std::string::npos);
  EXPECT_EQ(text.find("\xEF\xBF\xBD"), std::string::npos);
  EXPECT_EQ(text.size() - std::string_view("\n[...]\n").size() + shown["output_left_out"].get<std::size_t>(),
            sample.output.size());
  EXPECT_LE(text.size(), 301U + 7U);
  EXPECT_EQ(excerpt_of("abc", 3).text, "abc");
  EXPECT_EQ(excerpt_of("abcd", 0).left_out, 4U);
  EXPECT_EQ(excerpt_of("\x80\x80\x80\x80", 2).left_out + 1, 5U);
}

TEST(Report, AConfigOfAnotherShapeIsNoError) {
  const Task task = maths_task();
  const Summary summary = summarize({});
  for (const Json& config :
       {Json(), Json::array(), Json{{"model", 5}, {"seed", Json::array()}}, Json{{"model", "x"}}}) {
    const OrderedJson data = report_json(
        {.task = task, .config = config, .config_hash = "", .started_at = "", .summary = summary, .samples = {}});
    EXPECT_TRUE(data["run"]["seed"].is_null());
  }
}

TEST(Report, AFieldOfTheConfigIsFoundWhereverItStands) {
  const Json nested = {{"seed", 1},
                       {"task", {{"name", "t"}, {"prompt", {{"system", "s"}}}, {"grade", {{"kind", "maths"}}}}}};
  EXPECT_EQ(*config_field(nested, "seed"), 1);
  EXPECT_EQ(*config_field(nested, "name"), "t");
  EXPECT_EQ(*config_field(nested, "system"), "s");
  EXPECT_EQ(*config_field(nested, "kind"), "maths");
  EXPECT_EQ(config_field(nested, "nothing"), nullptr);
  EXPECT_EQ(config_field(Json::array(), "seed"), nullptr);
}

TEST(Report, WritesOneFile) {
  const testing::TempDir folder;
  const Task task = maths_task();
  const std::vector<Sample> samples = {answered("a", 0, 0, 1)};
  const Summary summary = summarize(samples);
  ASSERT_TRUE(write_report(folder.path() / "report.html", {.task = task,
                                                           .config = sums_config(),
                                                           .config_hash = "",
                                                           .started_at = "",
                                                           .summary = summary,
                                                           .samples = samples})
                  .has_value());
  std::ifstream file(folder.path() / "report.html");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str().substr(0, 15), "<!doctype html>");
  EXPECT_EQ(parse_json(data_element(text.str()), "data").value()["samples"].size(), 1U);
}

}  // namespace
}  // namespace retort::eval
