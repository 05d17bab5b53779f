// Expressions: what Python and jinja2 make of them.
#include "template_rendering.h"

namespace retort {
namespace {

using testing::value;

TEST(TemplateExpression, NumbersPrintAsPythonPrintsThem) {
  EXPECT_EQ(value("[1, -2, 0x1F, 1_000, 0b101, 0o17]"), "[1, -2, 31, 1000, 5, 15]");
  EXPECT_EQ(value("[1.0, 0.1, 1e16, 1e15, 1e-5, 0.0001, 1e22, 123456789.123]"),
            "[1.0, 0.1, 1e+16, 1000000000000000.0, 1e-05, 0.0001, 1e+22, 123456789.123]");
  EXPECT_EQ(value("[true, None, false]"), "[True, None, False]");
  EXPECT_EQ(value("x", R"({"x": 18446744073709551615})"), "18446744073709551615");
  EXPECT_EQ(value("x % 2 ~ ' ' ~ (x > 1e19)", R"({"x": 18446744073709551615})"), "1 True");
}

TEST(TemplateExpression, ArithmeticFollowsPython) {
  EXPECT_EQ(value("7 // 2 ~ ' ' ~ -7 // 2 ~ ' ' ~ 7 % -3 ~ ' ' ~ -7 % 3"), "3 -4 -2 2");
  EXPECT_EQ(value("7 / 2 ~ ' ' ~ 4 / 2"), "3.5 2.0");
  EXPECT_EQ(value("-7.5 // 2 ~ ' ' ~ -7.5 % 2"), "-4.0 0.5");
  EXPECT_EQ(value("2 ** 3 ** 2"), "64") << "jinja2 groups powers from the left";
  EXPECT_EQ(value("2 ** -1"), "0.5");
  EXPECT_EQ(value("-2 ** 2"), "4") << "and a sign binds tighter";
  EXPECT_EQ(value("True + True"), "2");
  EXPECT_EQ(value("'ab' * 3 ~ [1] * 2"), "ababab[1, 1]");
  EXPECT_EQ(value("[1] + [2]"), "[1, 2]");
  EXPECT_EQ(value("1 + 2 ~ 3 + 4"),
            "error: chat template: line 1, column 6: unsupported operand type(s) for +: "
            "'int' and 'str'")
      << "~ binds tighter than +";
}

TEST(TemplateExpression, IntegersAreOf64Bits) {
  EXPECT_EQ(value("9223372036854775807"), "9223372036854775807");
  EXPECT_NE(value("9223372036854775807 + 1").find("beyond the 64 bits"), std::string::npos);
  EXPECT_NE(value("10 ** 30").find("beyond the 64 bits"), std::string::npos);
  EXPECT_NE(value("(-9223372036854775807 - 1) // -1").find("beyond the 64 bits"), std::string::npos);
  EXPECT_NE(value("-(-9223372036854775807 - 1)").find("beyond the 64 bits"), std::string::npos);
  EXPECT_NE(value("(-9223372036854775807 - 1)|abs").find("beyond the 64 bits"), std::string::npos);
  EXPECT_EQ(value("(-9223372036854775807 - 1) % -1"), "0");
}

TEST(TemplateExpression, ComparisonsChain) {
  EXPECT_EQ(value("1 < 2 < 3"), "True");
  EXPECT_EQ(value("1 < 3 < 2"), "False");
  EXPECT_EQ(value("1 == 1.0 == true"), "True");
  EXPECT_EQ(value("'b' > 'a' and [1, 2] < [1, 3]"), "True");
  EXPECT_EQ(value("2 in [1, 2] and 'el' in 'Hello' and 'k' in {'k': 1} and 3 not in (1, 2)"), "True");
  EXPECT_EQ(value("'1' < 1"),
            "error: chat template: line 1, column 8: '<' not supported between instances of 'str' and 'int'");
  EXPECT_EQ(value("9007199254740993 == 9007199254740992.0"), "False") << "exact beyond 2^53";
}

TEST(TemplateExpression, AndOrGiveTheirOperands) {
  EXPECT_EQ(value("'' or 'x' or missing.field"), "x");
  EXPECT_EQ(value("0 and missing.field"), "0");
  EXPECT_EQ(value("not [] and not {} and not '' and not none"), "True");
  EXPECT_EQ(value("'a' if 0 else 'b' if 0 else 'c'"), "c");
  EXPECT_EQ(value("'a' if 0"), "");
}

TEST(TemplateExpression, TextsAreOfCharacters) {
  EXPECT_EQ(value("'日本語'[1] ~ '日本語'|length ~ '日本語'[::-1] ~ '😀a'[1:]"), "本3語本日a");
  EXPECT_EQ(value("'abcdef'[1:4] ~ 'abcdef'[-2:] ~ 'abcdef'[::2] ~ 'abcdef'[4:1:-1] ~ 'abc'[5:]"), "bcdefaceedc");
  EXPECT_EQ(value("'straße'.upper() ~ 'ΑΣ ΑΣΑ'.lower()"), "STRASSEας ασα");
  EXPECT_EQ(value(R"("a\tb\x41\u00e9\101\q" 'c')"), "a\tbA\u00e9A\\qc");
}

TEST(TemplateExpression, QuotesOfListsAreThoseOfRepr) {
  EXPECT_EQ(value(R"(["it's", 'say "x"', "a\n", '\x07', 'é'])"), R"(["it's", 'say "x"', 'a\n', '\x07', 'é'])");
  EXPECT_EQ(value("{'a': (1,), 'b': ()}"), "{'a': (1,), 'b': ()}");
}

TEST(TemplateExpression, UndefinedPrintsNothingAndAllowsNothing) {
  EXPECT_EQ(value("missing ~ missing|length ~ missing|default('d') ~ missing|list"), "0d[]");
  EXPECT_EQ(value("missing is undefined and missing is iterable and not missing"), "True");
  EXPECT_EQ(value("missing.field"), "error: chat template: line 1, column 11: 'missing' is undefined");
  EXPECT_EQ(value("d.a.b", R"({"d": {}})"),
            "error: chat template: line 1, column 7: 'dict object' has no attribute 'a'");
  EXPECT_EQ(value("[][0].x"), "error: chat template: line 1, column 9: list object has no element 0");
  EXPECT_EQ(value("missing + 1"), "error: chat template: line 1, column 12: 'missing' is undefined");
  EXPECT_EQ(value("missing()"), "error: chat template: line 1, column 11: 'missing' is undefined");
}

TEST(TemplateExpression, MethodsHideKeysFromTheDotOnly) {
  const auto* kwargs = R"({"d": {"items": 1, "x": 2}})";
  EXPECT_EQ(value("d['items'] ~ d.x ~ d.get('x') ~ d.get('y', 3) ~ d.items()|length", kwargs), "12232");
  EXPECT_EQ(value("d.keys()|list ~ d.values()|list ~ d.items()", kwargs),
            "['items', 'x'][1, 2]dict_items([('items', 1), ('x', 2)])");
}

TEST(TemplateExpression, TheSandboxHoldsBack) {
  for (const auto* call : {"[].append(1)", "[1].pop()", "[].sort()", "{}.update({})", "{}.pop('x')", "{}.clear()",
                           "''.__class__.mro", "{}.__init__()", "[].__class__.__base__"}) {
    EXPECT_NE(value(call).find("is unsafe"), std::string::npos) << call << ": " << value(call);
  }
  EXPECT_EQ(value("''.__class__"), "") << "as jinja2: an undefined that prints nothing";
  EXPECT_EQ(value("range(100001)|length"),
            "error: chat template: line 1, column 9: Range too big. The sandbox blocks ranges larger than MAX_RANGE "
            "(100000).");
}

TEST(TemplateExpression, StringMethods) {
  EXPECT_EQ(value("' a b '.split() ~ 'a,b,,c'.split(',') ~ 'a b c'.rsplit(' ', 1) ~ 'a b c'.split(none, 1)"),
            "['a', 'b']['a', 'b', '', 'c']['a b', 'c']['a', 'b c']");
  EXPECT_EQ(value("'xxaxx'.strip('x') ~ '  b '.lstrip() ~ 'c\\n'.rstrip()"), "ab c");
  EXPECT_EQ(value("'abc'.startswith(('x', 'a')) and 'abc'.endswith('c') and not 'abc'.startswith('b')"), "True");
  EXPECT_EQ(value("'banana'.replace('a', 'o', 2) ~ 'ab'.replace('', '-')"), "bonona-a-b-");
  EXPECT_EQ(value("[ 'banana'.find('an', 2), 'x'.find('y'), 'banana'.rfind('an'), 'banana'.count('a'), 'x'.find('') ]"),
            "[3, -1, 3, 3, 0]");
  EXPECT_EQ(value("'k=v=w'.partition('=') ~ 'k=v=w'.rpartition('=') ~ 'k'.partition('=')"),
            "('k', '=', 'v=w')('k=v', '=', 'w')('k', '', '')");
  EXPECT_EQ(value("'ab'.removeprefix('a') ~ 'ab'.removesuffix('b') ~ '-5'.zfill(4) ~ 'x'.center(4, '*')"),
            "ba-005*x**");
  EXPECT_EQ(value("'k'.partition('=')[1].find('q') ~ 'k'.partition('=')[2].split('q')"), "-1['']")
      << "in an empty text";
  EXPECT_EQ(value("'{} {1}'.format(1, 2)").substr(0, 6), "error:");
  EXPECT_EQ(value("'{0}{name!r:>5}{x[0].a}'.format(1, name='q', x=[{'a': 2}])"), "1  'q'2");
  EXPECT_EQ(value("'%s|%5.2f|%-4d|%(k)s' % 1").substr(0, 6), "error:");
  EXPECT_EQ(value("'%s|%6.2f|%-4d|%%' % ('a', 2.5, 7)"), "a|  2.50|7   |%");
}

TEST(TemplateExpression, SlicesMayReachBeyondBothEnds) {
  EXPECT_EQ(value("'abc'[-9:9] ~ 'abc'[9:-9:-1] ~ 'abc'[2:0:-1] ~ 'abc'[-9::-1] ~ 'abc'[2:1]"), "abccbacb");
  EXPECT_EQ(value("[1, 2, 3][-9:9] ~ [1, 2, 3][9:-9:-1] ~ [1, 2, 3][2:1] ~ (1, 2, 3)[9:0:-2]"),
            "[1, 2, 3][3, 2, 1][](3,)");
}

}  // namespace
}  // namespace retort
