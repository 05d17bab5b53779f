// HTML escaping, which chat templates ask for by `escape` and get through `safe` meeting ordinary text.
#pragma once

#include "text/jinja/context.h"

namespace retort::jinja {

/// Markup of a value's text: & < > ' " become references, unless the value is Markup already.
Value escaped(Context& cx, const Value& value);

}  // namespace retort::jinja
