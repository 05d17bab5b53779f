// Formatting with widths and precisions: "%5.1f" % x, "{:>8}".format(x), and the format filter.
#pragma once

#include <string>
#include <string_view>

#include "text/jinja/args.h"
#include "text/jinja/context.h"

namespace retort::jinja {

/// printf-style: `format % values`. Of Markup it is Markup, with the texts escaped.
Value printf_text(Context& cx, const Value& format, const Value& values);
/// str.format(*args, **kwargs)
Value format_text(Context& cx, const Value& format, const Args& args);

/// [[fill]align][sign][#][0][width][grouping][.precision][type], what both are made of.
struct FormatSpec {
  std::string fill = " ";
  char align = 0;  ///< '<', '>', '^', '='; 0: by type
  char sign = '-';
  bool alternate = false;
  std::size_t width = 0;
  char grouping = 0;  ///< ',' or '_'
  std::int64_t precision = -1;
  char type = 0;
};
/// A number or text by `spec`. Fault for a type that the value does not have.
void append_formatted(Context& cx, TextBuilder& out, const Value& value, const FormatSpec& spec);
/// A decimal number that begins at `at`, which moves behind it; Fault if it is absurdly large.
std::size_t parse_count(std::string_view text, std::size_t& at);

}  // namespace retort::jinja
