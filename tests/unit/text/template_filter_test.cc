// Filters and tests.
#include "template_rendering.h"

namespace retort {
namespace {

using testing::render;
using testing::value;

constexpr const char* kUsers =
    R"({"users": [{"name": "Bob", "age": 30}, {"name": "alice", "age": 25}, {"name": "Carl", "age": 30}]})";

TEST(TemplateFilter, ToJsonIsThatOfTransformers) {
  const auto* x = R"({"x": {"b": [1, 2.5, true, null], "a": "é\"<&>\n\u0001"}})";
  EXPECT_EQ(value("x|tojson", x), R"({"b": [1, 2.5, true, null], "a": "é\"<&>\n\u0001"})");
  EXPECT_EQ(value("x|tojson(ensure_ascii=true, sort_keys=true, separators=(',', ':'))", x),
            R"({"a":"\u00e9\"<&>\n\u0001","b":[1,2.5,true,null]})");
  EXPECT_EQ(value("[1, {'k': []}]|tojson(indent=2)"), "[\n  1,\n  {\n    \"k\": []\n  }\n]");
  EXPECT_EQ(value("'😀'|tojson(true)"), "\"\\ud83d\\ude00\"");
  EXPECT_NE(value("missing|tojson").find("Object of type Undefined is not JSON serializable"), std::string::npos);
  EXPECT_NE(value("[1]|map('string')|tojson").find("generator is not JSON serializable"), std::string::npos);
}

TEST(TemplateFilter, SelectingAndMapping) {
  EXPECT_EQ(value("users|selectattr('age', 'gt', 26)|map(attribute='name')|join(', ')", kUsers), "Bob, Carl");
  EXPECT_EQ(value("users|rejectattr('age', 'equalto', 30)|list|length", kUsers), "1");
  EXPECT_EQ(value("[1, 'a', none]|select('string')|list ~ [0, 1]|reject|list"), "['a'][0]");
  EXPECT_EQ(value("['a', 'b']|map('upper')|join"), "AB");
  EXPECT_EQ(value("users|map(attribute='x', default='?')|join", kUsers), "???");
}

TEST(TemplateFilter, GeneratorsAreUsedUpAndFailLate) {
  EXPECT_EQ(render("{% set g = [1, 2]|map('string') %}{{ g|list }}{{ g|list }}"), "['1', '2'][]");
  EXPECT_EQ(value("'yes' if [1]|map('nothing') else 'no'"), "yes") << "nobody has come to the item that fails";
  EXPECT_EQ(value("'yes' if 5|map('string')"), "yes");
  EXPECT_NE(value("[1]|map('nothing')|list").find("No filter named 'nothing'"), std::string::npos);
}

TEST(TemplateFilter, OrderAndGroups) {
  EXPECT_EQ(value("[3, 1, 2]|sort ~ ['b', 'A']|sort ~ ['b', 'A', 'a']|sort(case_sensitive=true)"),
            "[1, 2, 3]['A', 'b']['A', 'a', 'b']");
  EXPECT_EQ(value("users|sort(attribute='age,name', reverse=true)|map(attribute='name')|join(' ')", kUsers),
            "Carl Bob alice");
  EXPECT_EQ(render("{% for g in users|groupby('age') %}{{ g.grouper }}:{{ g.list|length }} {% endfor %}", kUsers),
            "25:1 30:2 ");
  EXPECT_EQ(value("{'b': 1, 'a': 2}|dictsort ~ ['x', 'X', 'y']|unique|list"), "[('a', 2), ('b', 1)]['x', 'y']");
  EXPECT_EQ(value("[1, 2, 3]|batch(2, 0)|list ~ [1, 2, 3]|slice(2)|list"), "[[1, 2], [3, 0]][[1, 2], [3]]");
  EXPECT_EQ(value("[[1], [2]]|sum(start=[]) ~ [1, 2.5]|sum ~ ['b', 'A']|min ~ []|max"), "[1, 2]3.5A");
  EXPECT_EQ(value("'abc'|reverse ~ [1, 2]|reverse|list ~ [1, 2]|first ~ [1, 2]|last"), "cba[2, 1]12");
}

TEST(TemplateFilter, Texts) {
  EXPECT_EQ(value("'a\nb\n\nc'|indent(2) ~ '|' ~ 'x'|indent(1, true)"), "a\n  b\n\n  c| x");
  EXPECT_EQ(value("'hello world-foo'|title ~ 'hELLO'|capitalize"), "Hello World-FooHello");
  EXPECT_EQ(value("'foo bar baz qux'|truncate(9) ~ 'foo bar'|truncate(3, true, '')"), "foo...foo bar");
  EXPECT_EQ(value("'<a & b>'|e ~ ('<b>'|safe + '<')"), "&lt;a &amp; b&gt;<b>&lt;");
  EXPECT_EQ(value("'a b/c?'|urlencode ~ {'k': 'a b'}|urlencode ~ 'one two, three'|wordcount"), "a%20b/c%3Fk=a+b3");
}

TEST(TemplateFilter, Numbers) {
  EXPECT_EQ(value("[2.5|round, 3.5|round, 2.675|round(2), 1250|round(-2), 2.1|round(0, 'ceil')]"),
            "[2.0, 4.0, 2.67, 1200, 3.0]");
  EXPECT_EQ(value("['42'|int, ' 7 '|int, '3.9'|int, 'x'|int, 'x'|int(5), '1F'|int(0, 16), none|int, '1_0'|int]"),
            "[42, 7, 3, 0, 5, 31, 0, 10]");
  EXPECT_EQ(value("['2.5'|float, 'x'|float, '1e3'|float, 'inf'|float]"), "[2.5, 0.0, 1000.0, inf]");
  EXPECT_EQ(value("-3|abs ~ [1, 2]|length ~ ''|d('e', true)"), "32e");
}

TEST(TemplateFilter, UnknownNamesAreErrorsWhereJinjaHasThem) {
  EXPECT_EQ(value("1|nothing"), "error: chat template: line 1, column 6: No filter named 'nothing'.");
  EXPECT_EQ(value("1 is nothing"), "error: chat template: line 1, column 9: No test named 'nothing'.");
  EXPECT_EQ(render("{% if false %}{{ 1|nothing }}{% endif %}"), "") << "unless it is not reached";
  EXPECT_NE(value("[1]|random").find("not supported"), std::string::npos);
}

TEST(TemplateFilter, Tests) {
  EXPECT_EQ(value("[1 is number, true is integer, 1.0 is float, 'a' is string, {} is mapping, [] is sequence]"),
            "[True, False, True, True, True, True]");
  EXPECT_EQ(value("[3 is odd, 4 is divisibleby 2, none is none, 1 is sameas 1, 'A' is upper, 2 is in [1, 2]]"),
            "[True, True, True, True, True, True]");
  EXPECT_EQ(value("[5 is gt 3, 5 is not lt 3, x is defined, missing is not defined, range is callable]", R"({"x": 0})"),
            "[True, True, True, True, True]");
}

}  // namespace
}  // namespace retort
