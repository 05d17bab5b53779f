#include "text/jinja/from_json.h"

#include "core/json.h"

namespace retort::jinja {

Value from_json(Context& cx, const OrderedJson& json) {
  const Context::Deeper deeper(cx);
  switch (json.type()) {
    case OrderedJson::value_t::boolean:
      return of_bool(json.get<bool>());
    case OrderedJson::value_t::number_integer:
      return of_int(json.get<std::int64_t>());
    case OrderedJson::value_t::number_unsigned: {
      const auto number = json.get<std::uint64_t>();
      return number > static_cast<std::uint64_t>(INT64_MAX) ? of_big(number)
                                                            : of_int(static_cast<std::int64_t>(number));
    }
    case OrderedJson::value_t::number_float:
      return of_float(json.get<double>());
    case OrderedJson::value_t::string:
      return of_text(json.get_ref<const std::string&>());
    case OrderedJson::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const auto& item : json) items.push_back(from_json(cx, item));
      return new_list(cx, items);
    }
    case OrderedJson::value_t::object: {
      DictBuilder dict(cx);
      for (const auto& [key, value] : json.items()) dict.set(of_text(key), from_json(cx, value));
      return dict.finish();
    }
    default:
      return none();
  }
}

}  // namespace retort::jinja
