#include "eval/text_metrics.h"

#include "core/ascii.h"

namespace retort::eval {

double exact_match(std::string_view answer, std::string_view gold) { return trimmed(answer) == trimmed(gold) ? 1 : 0; }

}  // namespace retort::eval
