// Cutting and filling texts: what methods and filters of several names share.
#pragma once

#include <string_view>
#include <vector>

#include "text/jinja/context.h"
#include "text/jinja/unicode.h"

namespace retort::jinja {

/// str.split(sep, maxsplit) from the left or right; negative `maxsplit`: no limit. The parts are views.
std::vector<std::string_view> split_text(Context& cx, std::string_view text, std::string_view sep,
                                         std::int64_t maxsplit, Side side);
/// Without a separator: at runs of white space.
std::vector<std::string_view> split_space(Context& cx, std::string_view text, std::int64_t maxsplit, Side side);

enum class KeepEnds { kNo, kYes };
std::vector<std::string_view> split_lines(Context& cx, std::string_view text, KeepEnds keep_ends);

/// str.replace(); negative `count`: all.
std::string_view replace_text(Context& cx, std::string_view text, std::string_view what, std::string_view with,
                              std::int64_t count);

/// Filled with `filler` up to `width` characters: '<' left, '>' right, '^' centred as str.center() has it.
std::string_view justified(Context& cx, std::string_view text, std::int64_t width, std::string_view filler, char align);

}  // namespace retort::jinja
