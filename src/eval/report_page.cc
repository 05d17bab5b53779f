// The report's page around its parts. No data is in the page but in one element of JSON, which scripts read and show as
// text; the policy forbids the page to load or send anything.
#include "eval/report_page.h"

#include "core/json.h"
#include "eval/report.h"

namespace retort::eval {
namespace {

constexpr std::string_view kHead = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>retort</title>
<style>
)html";

constexpr std::string_view kBody = R"html(</style>
</head>
<body>
<a class="skip" href="#samples"></a>
<main id="page"><noscript>This report is drawn by a script of its own, which needs JavaScript. Nothing is loaded from anywhere.</noscript></main>
<script type="application/json" id="data">)html";

constexpr std::string_view kScript = "</script>\n<script>\n\"use strict\";\n(() => {\n";
constexpr std::string_view kTail = "})();\n</script>\n</body>\n</html>\n";

}  // namespace

std::string embeddable_json(const OrderedJson& data) {
  const std::string json = json_text(data);
  std::string out;
  out.reserve(json.size() + json.size() / 16);
  for (std::size_t i = 0; i < json.size(); ++i) {
    const std::string_view rest = std::string_view(json).substr(i);
    // All of these stand only within the strings of a JSON text.
    if (rest.front() == '<') {
      out += "\\u003c";
    } else if (rest.front() == '>') {
      out += "\\u003e";
    } else if (rest.front() == '&') {
      out += "\\u0026";
    } else if (rest.substr(0, 3) == "\xE2\x80\xA8" || rest.substr(0, 3) == "\xE2\x80\xA9") {
      out += rest[2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out += rest.front();
    }
  }
  return out;
}

std::string report_page(const OrderedJson& data) {
  std::string page(kHead);
  page += report_style();
  page += kBody;
  page += embeddable_json(data);
  page += kScript;
  for (const std::string_view part :
       {report_text(), report_script(), report_plots_script(), report_sample_script(), report_list_script()}) {
    page += part;
  }
  page += kTail;
  return page;
}

}  // namespace retort::eval
