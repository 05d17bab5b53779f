// Finding one text in another, in linear time whatever they are.
#pragma once

#include <string_view>

#include "text/jinja/context.h"

namespace retort::jinja {

/// As std::string_view::find, but a text of many near matches costs no more than its length allows: the work is
/// accounted for as it is done.
std::size_t find_text(Context& cx, std::string_view text, std::string_view what, std::size_t from);
std::size_t rfind_text(Context& cx, std::string_view text, std::string_view what, std::size_t end);

}  // namespace retort::jinja
