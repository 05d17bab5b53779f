// Statements, scopes, macros, and what becomes of white space.
#include "template_rendering.h"

namespace retort {
namespace {

using testing::render;
using testing::try_render;

TEST(TemplateStatement, WhiteSpaceAroundTags) {
  EXPECT_EQ(render("a\n  {% if true %}\n  b\n  {% endif %}\nc\n"), "a\n  b\nc");
  EXPECT_EQ(render("a  {%- if true -%}  b  {%- endif -%}  c"), "abc");
  EXPECT_EQ(render("a\n  {%+ if true %}\nb{% endif +%}\nc"), "a\n  b\nc");
  EXPECT_EQ(render("a\n  {{ 1 }}\n  {{- 2 -}}\n  b"), "a\n  12b");
  EXPECT_EQ(render("a\n  {# x #}\n  b {#- y -#} c"), "a\n  bc");
  EXPECT_EQ(render("x {% if true %} y{% endif %}"), "x  y") << "not at the start of the line";
  EXPECT_EQ(render("a\r\nb\r{{ 1 }}\n\n"), "a\nb\n1\n") << "one newline at the end goes";
  EXPECT_EQ(render("{% raw %}{{ x }}{% if %}{% endraw %}{{ '}}' }}{{ {'a': {'b': 1}}['a']['b'] }}"),
            "{{ x }}{% if %}}}1");
}

TEST(TemplateStatement, LoopsKnowWhereTheyAre) {
  EXPECT_EQ(render("{% for x in 'abc' %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}"
                   "{{ x }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}"),
            "1032aTrueFalse3 2121bFalseFalse3 3210cFalseTrue3 ");
  EXPECT_EQ(render("{% for x in [1, 2, 3] %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }};{% endfor %}"),
            "<1>2;1<2>3;2<3>;");
  EXPECT_EQ(render("{% for x in [1, 1, 2] %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x) }} {% endfor %}"),
            "aTrue bFalse aTrue ");
  EXPECT_EQ(
      render("{% for x in [] %}{% else %}none{% endfor %}{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}"),
      "nonea1");
  EXPECT_EQ(render("{% for x in range(5) if x is odd %}{{ loop.index }}{{ x }}{{ loop.length }} {% endfor %}"),
            "112 232 ");
  EXPECT_EQ(
      render("{% for x in range(9) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 3 %}{% break %}{% endif %}"
             "{{ x }}{% endfor %}"),
      "02");
  EXPECT_EQ(render("{% for x in [1, [2, [3]]] recursive %}{{ loop(x) if x is iterable else x }}{{ loop.depth }}"
                   "{% endfor %}"),
            "11223321");
}

TEST(TemplateStatement, ALoopsConditionIsTriedWhenItsTurnComes) {
  EXPECT_EQ(render("{% set ns = namespace(stop=false) %}{% for x in [1, 2, 3] if not ns.stop %}{{ x }}"
                   "{% set ns.stop = x == 2 %}{% endfor %}"),
            "12");
}

TEST(TemplateStatement, NamesStayInTheirBlock) {
  EXPECT_EQ(render("{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}"), "12121");
  EXPECT_EQ(render("{% if true %}{% set x = 1 %}{% endif %}{{ x }}"), "1");
  EXPECT_EQ(render("{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}"),
            "3");
  EXPECT_EQ(render("{% with a = 1 %}{% set b = a %}{{ b }}{% endwith %}{{ a }}{{ b }}"), "1");
  EXPECT_EQ(render("{% set a, (b, c) = 1, [2, 3] %}{{ a }}{{ b }}{{ c }}"), "123");
  EXPECT_EQ(render("{% set x | upper | trim %}  a{{ 1 }} {% endset %}[{{ x }}]{% filter upper %}b{% endfilter %}"),
            "[A1]B");
  EXPECT_EQ(render("{% set x.y = 1 %}").substr(0, 6), "error:");
}

TEST(TemplateStatement, Macros) {
  EXPECT_EQ(
      render("{% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, b=3) }}{{ m(b=4, a=5) }}{{ m() }}"),
      "1213542");
  EXPECT_EQ(render("{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, k=2) }}"), "(1,){'k': 2}");
  EXPECT_EQ(render("{% macro m() %}<{{ caller(7) }}>{% endmacro %}{% call(x) m() %}{{ x }}{% endcall %}"), "<7>");
  EXPECT_EQ(render("{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}"), "1") << "names are looked up late";
  EXPECT_EQ(render("{% macro m(n) %}{{ n }}{{ m(n - 1) if n > 0 }}{% endmacro %}{{ m(3) }}"), "3210");
  EXPECT_NE(render("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}").find("takes not more than 1"), std::string::npos);
  EXPECT_NE(render("{% macro m(a) %}{% endmacro %}{{ m(z=2) }}").find("no keyword argument 'z'"), std::string::npos);
}

TEST(TemplateStatement, Functions) {
  EXPECT_EQ(render("{{ strftime_now('%d %b %Y|%A %-d %H:%M:%S|%j %y %I%p|%q%%') }}"),
            "04 Nov 2026|Wednesday 4 09:30:05|308 26 09AM|%q%");
  EXPECT_EQ(render("{% set j = joiner('|') %}{% for x in 'ab' %}{{ j() }}{{ x }}{% endfor %}"), "a|b");
  EXPECT_EQ(render("{% set c = cycler(1, 2) %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}"), "1212");
  EXPECT_EQ(render("{{ dict(a=1, b=2) }}{{ dict([['k', 'v']]) }}{{ range(5, 0, -2)|list }}"),
            "{'a': 1, 'b': 2}{'k': 'v'}[5, 3, 1]");
  EXPECT_EQ(render("{% generation %}a{% endgeneration %}{% print 1, 2 %}"), "a12");
}

TEST(TemplateStatement, TheTemplatesOwnErrorsAreItsOwnWords) {
  const auto result = try_render("\n\n{{ raise_exception('Roles must alternate: ' ~ 1) }}");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(result.error().message(), "chat template: Roles must alternate: 1");
}

TEST(TemplateStatement, SyntaxErrorsSayWhere) {
  const auto message = [](std::string_view source) {
    const auto compiled = ChatTemplate::compile(source);
    if (compiled) return std::string("compiled");
    EXPECT_EQ(compiled.error().code(), ErrorCode::kCorrupt) << source;
    return compiled.error().message();
  };
  EXPECT_EQ(message("a\né {{ 1 + }}"), "chat template: line 2, column 10: expected an expression but found '}}'");
  EXPECT_EQ(message("{% if x %}a"),
            "chat template: line 1, column 11: the block that begins before here is never closed: "
            "expected 'endif'");
  EXPECT_EQ(message("{% nothing %}"), "chat template: line 1, column 4: Encountered unknown tag 'nothing'.");
  EXPECT_EQ(message("{{ (1]"), "chat template: line 1, column 6: unexpected ']', expected ')'");
  EXPECT_EQ(message("{{ 'a"), "chat template: line 1, column 4: this string is never closed");
  EXPECT_EQ(message("{{ 1"), "chat template: line 1, column 1: this tag is never closed: expected '}}'");
  EXPECT_EQ(message("{# x"), "chat template: line 1, column 1: Missing end of comment tag");
  EXPECT_EQ(message("{% break %}"), "chat template: line 1, column 4: 'break' outside loop");
  EXPECT_EQ(message("{% endfor %}"), "chat template: line 1, column 4: Encountered unknown tag 'endfor'.");
  EXPECT_EQ(message("\xff"), "chat template: not valid UTF-8");
}

TEST(TemplateStatement, OneTemplateServesManyThreadsAndRequests) {
  const auto compiled = ChatTemplate::compile(
      "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}{{ bos_token "
      "}}");
  ASSERT_TRUE(compiled);
  ChatRequest request;
  request.messages = OrderedJson::parse(R"([{"role": "user"}, {"role": "user"}])");
  request.bos_token = "B";
  EXPECT_EQ(compiled->render(request).value(), "2B");
  EXPECT_EQ(compiled->render(request).value(), "2B") << "nothing is left from the first time";
}

TEST(TemplateStatement, TheLastOfALoopIsTheLastThatItsConditionLetsThrough) {
  EXPECT_EQ(render("{% for x in range(5) if x is odd %}{{ x }}{{ ',' if not loop.last }}{% endfor %}"), "1,3");
}

}  // namespace
}  // namespace retort
