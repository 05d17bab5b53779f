// A request's JSON as values of a template: texts are views into it.
#pragma once

#include "core/json_fwd.h"
#include "text/jinja/context.h"

namespace retort::jinja {

/// `json` must outlive the context. Fault (kOutOfRange) where it is nested too deeply.
Value from_json(Context& cx, const OrderedJson& json);

}  // namespace retort::jinja
