// Templates that mean harm: each must end soon, with little memory, in an error that names the limit.
#include <chrono>

#include "template_rendering.h"

namespace retort {
namespace {

using testing::try_render;

std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

// Ends in an error of `code` within a time that leaves room for slow machines and sanitizers.
void expect_stopped(const std::string& source, ErrorCode code = ErrorCode::kExhausted) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = try_render(source);
  const auto took = std::chrono::steady_clock::now() - start;
  SCOPED_TRACE(source.substr(0, 120));
  ASSERT_FALSE(result) << result->size() << " bytes";
  EXPECT_EQ(result.error().code(), code) << result.error().message();
  EXPECT_NE(result.error().message().find("line "), std::string::npos) << result.error().message();
  EXPECT_LT(took, std::chrono::seconds(20));
}

TEST(TemplateLimits, LoopsWithoutEnd) {
  expect_stopped("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}");
  expect_stopped("{% for a in range(99999) %}{{ range(99999)|list|length }}{% endfor %}");
  expect_stopped("{% for a in range(99999) %}{{ a in range(99999) }}{% endfor %}");
  expect_stopped("{% macro m() %}{% for i in range(9) %}{{ m() }}{% endfor %}{% endmacro %}{{ m() }}",
                 ErrorCode::kOutOfRange);
}

TEST(TemplateLimits, TextsThatGrow) {
  expect_stopped("{{ 'a' * 1000000000000 }}");
  expect_stopped("{{ ('a' * 100000) * 100000 }}");
  expect_stopped("{{ [1] * 1000000000000 }}");
  expect_stopped("{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}");
  expect_stopped(
      "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x.replace('', ns.x) %}{% endfor %}");
  expect_stopped("{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}");
  expect_stopped("{% set x = 'a' * 99999 %}{{ x.join(x) }}");
  expect_stopped("{% set x = 'a' * 99999 %}{{ x|join(x) }}");
  expect_stopped("{% for i in range(99999) %}{{ 'a' * 9999 }}{% endfor %}");
}

TEST(TemplateLimits, WidthsThatGrow) {
  expect_stopped("{{ 'a'.center(1000000000000) }}");
  expect_stopped("{{ 'a'|center(1000000000000) }}");
  expect_stopped("{{ '%1000000000d' % 1 }}");
  expect_stopped("{{ '{:>1000000000}'.format(1) }}");
  expect_stopped("{{ '1'.zfill(1000000000000) }}");
  expect_stopped("{{ 'a\nb'|indent(1000000000000) }}");
  expect_stopped("{{ [1]|tojson(indent=1000000000000) }}");
  expect_stopped("{{ '\t'.expandtabs(1000000000000) }}");
  expect_stopped("{{ [1]|batch(1000000000000, 0)|list }}");
  expect_stopped("{{ [1]|slice(1000000000000)|list }}");
  EXPECT_FALSE(try_render("{{ '%.1000000000f' % 1 }}"));
  EXPECT_FALSE(try_render("{{ '%99999999999999999999d' % 1 }}"));
}

TEST(TemplateLimits, ValuesThatAreLargerThanTheyLook) {
  const std::string doubled =
      "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}";
  expect_stopped(doubled + "{{ ns.x }}");
  expect_stopped(doubled + "{{ ns.x|tojson }}");
  expect_stopped(doubled +
                 "{% set y = namespace(x=[1]) %}{% for i in range(60) %}{% set y.x = [y.x, y.x] %}{% endfor %}"
                 "{{ ns.x == y.x }}");
}

TEST(TemplateLimits, DeepNesting) {
  const std::string deep =
      "{% set ns = namespace(x=[]) %}{% for i in range(50000) %}{% set ns.x = [ns.x] %}{% endfor %}";
  expect_stopped(deep + "{{ ns.x }}", ErrorCode::kOutOfRange);
  expect_stopped(deep + "{{ ns.x|tojson }}", ErrorCode::kOutOfRange);
  expect_stopped("{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}", ErrorCode::kOutOfRange);
  expect_stopped("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", ErrorCode::kOutOfRange);
  expect_stopped("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", ErrorCode::kOutOfRange);
  for (const auto& [open, close] : std::vector<std::pair<std::string, std::string>>{{"(", ")"},
                                                                                    {"[", "]"},
                                                                                    {"{1:", "}"},
                                                                                    {"not ", ""},
                                                                                    {"-", ""},
                                                                                    {"x if x else ", ""},
                                                                                    {"f(", ")"},
                                                                                    {"x[", "]"}}) {
    expect_stopped("{{ " + repeat(open, 20000) + "1" + repeat(close, 20000) + " }}", ErrorCode::kOutOfRange);
  }
  expect_stopped(repeat("{% if 1 %}", 20000), ErrorCode::kOutOfRange);
  expect_stopped("{{ " + repeat("x.", 50000) + "x }}", ErrorCode::kOutOfRange);
  expect_stopped("{{ 1" + repeat("|abs", 50000) + " }}", ErrorCode::kOutOfRange);
  expect_stopped("{{ f" + repeat("()", 50000) + " }}", ErrorCode::kOutOfRange);
  expect_stopped("{% set " + repeat("(", 20000) + "x" + repeat(")", 20000) + " = 1 %}", ErrorCode::kOutOfRange);
}

TEST(TemplateLimits, LongButFlatIsFine) {
  const auto sum = try_render("{{ 0" + repeat(" + 1", 50000) + " }}");
  ASSERT_TRUE(sum) << sum.error().message();
  EXPECT_EQ(*sum, "50000");
  const auto either = try_render("{{ 0" + repeat(" or 0", 50000) + " }}");
  ASSERT_TRUE(either) << either.error().message();
  const auto joined = try_render("{{ ''" + repeat(" ~ 'a'", 50000) + " }}");
  ASSERT_TRUE(joined) << joined.error().message();
  EXPECT_EQ(joined->size(), 50000U);
}

TEST(TemplateLimits, SearchesThatNearlyMatch) {
  // Naive searches would take 10^11 steps here.
  for (const auto* search : {"x.find(y)", "x.rfind(y)", "x.count(y)", "x.replace(y, '')", "y in x", "x.split(y)",
                             "x.rsplit(y)", "x.rpartition(y)", "x.strip(y)"}) {
    const std::string source = "{% set x = 'a' * 600000 %}{% set y = 'a' * 300000 ~ 'b' ~ 'a' * 100 %}{{ (" +
                               std::string(search) + ")|string|length }}";
    const auto start = std::chrono::steady_clock::now();
    const auto result = try_render(source);
    EXPECT_TRUE(result) << search << ": " << result.error().message();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10)) << search;
  }
}

TEST(TemplateLimits, AppendingIsLinear) {
  // A megabyte built 20 bytes at a time: copying it at every step would go over the limit on values.
  const auto result = try_render(
      "{% set ns = namespace(x='') %}{% for i in range(50000) %}{% set ns.x = ns.x + '12345678901234567890' %}"
      "{% endfor %}{{ ns.x|length }}");
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(*result, "1000000");
}

TEST(TemplateLimits, SourcesHaveALimit) {
  TemplateLimits limits;
  limits.max_source_bytes = 10;
  const auto compiled = ChatTemplate::compile("12345678901", limits);
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().code(), ErrorCode::kOutOfRange);
}

TEST(TemplateLimits, StepsAreCountedAgainstTheirLimit) {
  TemplateLimits limits;
  limits.max_steps = 1000;
  const auto enough = try_render("{% for x in range(100) %}{% endfor %}done", "{}", limits);
  ASSERT_TRUE(enough) << enough.error().message();
  EXPECT_EQ(*enough, "done");
  const auto stopped = try_render("{% for x in range(1000) %}{% endfor %}done", "{}", limits);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), ErrorCode::kExhausted);
  EXPECT_NE(stopped.error().message().find("limit of 1000 steps"), std::string::npos) << stopped.error().message();
}

}  // namespace
}  // namespace retort
