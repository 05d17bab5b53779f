#include "text/jinja/escape.h"

#include "text/jinja/text_of.h"

namespace retort::jinja {

Value escaped(Context& cx, const Value& value) {
  if (value.is_string() && value.markup) return value;
  const std::string_view text = text_of(cx, value);
  cx.scan(text.size());
  std::size_t at = text.find_first_of("&<>'\"");
  if (at == std::string_view::npos) return of_markup(text);
  TextBuilder out(cx);
  std::size_t from = 0;
  for (; at != std::string_view::npos; at = text.find_first_of("&<>'\"", from)) {
    out.add(text.substr(from, at - from));
    switch (text[at]) {
      case '&':
        out.add("&amp;");
        break;
      case '<':
        out.add("&lt;");
        break;
      case '>':
        out.add("&gt;");
        break;
      case '\'':
        out.add("&#39;");
        break;
      default:
        out.add("&#34;");
        break;
    }
    from = at + 1;
  }
  out.add(text.substr(from));
  return of_markup(out.value().text());
}

}  // namespace retort::jinja
