// The parts of the report's page, each in a file of its own: report_style.cc, report_text.cc, report_script.cc, ...
#pragma once

#include <string>
#include <string_view>

#include "core/json_fwd.h"

namespace retort::eval {

/// JSON text that can stand in an element of an HTML page and in a script: "<", ">", "&", U+2028 and U+2029 are written
/// as escapes. It parses to the same value.
std::string embeddable_json(const OrderedJson& data);

std::string_view report_style();          ///< CSS
std::string_view report_text();           ///< JavaScript: all that the page says, in one object
std::string_view report_script();         ///< JavaScript: the heading and the tables
std::string_view report_plots_script();   ///< JavaScript: plots as SVG
std::string_view report_sample_script();  ///< JavaScript: one sample, opened
std::string_view report_list_script();    ///< JavaScript: the list of samples, its filters and pages

}  // namespace retort::eval
