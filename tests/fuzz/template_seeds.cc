#include "fuzz/seeds.h"

namespace retort::fuzz {

void write_template_seeds(const SeedWriter& seeds) {
  seeds.write("chat", R"({{- bos_token }}
{%- for message in messages %}
  {%- if message.role == 'user' or (message['role'] == "system" and not loop.first) %}
    {{- '<|user|>' + message['content']|trim + '\n' }}
  {%- elif message.tool_calls is defined and message.tool_calls %}
    {%- for call in message.tool_calls %}{{ call.function.arguments | tojson(indent=2) }}{% endfor %}
  {%- else %}
    {%- set content = message.content.split('</think>')[-1].lstrip('\n') %}{{- content }}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|><think>\n' }}{% endif %})");
  seeds.write("namespace", R"({% set ns = namespace(found=false, n=0) %}
{% for m in messages[::-1] if m.role != 'tool' %}{% set ns.n = ns.n + loop.index0 * 2 - 7 // 3 %}
{% if ns.n > 5 %}{% break %}{% else %}{% continue %}{% endif %}{% endfor %}{{ ns.n ~ ns.found }})");
  seeds.write("macro", R"({% macro show(x, depth=0, *) %}{% endmacro %})");
  seeds.write("macros", R"({%- macro show(x, depth=0) -%}
{%- if x is mapping %}{% for k, v in x|items %}{{ k }}={{ show(v, depth + 1) }};{% endfor %}
{%- elif x is iterable and x is not string %}[{{ x|map('string')|join(', ') }}]{% else %}{{ x }}{% endif %}
{{- caller() if caller is defined }}{{ varargs }}{{ kwargs }}
{%- endmacro %}{% call(y) show(d, 1) %}{{ y }}{% endcall %}{{ show(tools) }})");
  seeds.write("filters",
              R"({{ l|sort(reverse=true)|batch(2, 0)|list }}{{ messages|selectattr('role', 'in', ['user'])|)"
              R"(map(attribute='content')|first }}{{ messages|groupby('role')|length }}{{ d|dictsort }})"
              R"({{ s|replace('t', 'T')|title|indent(4)|truncate(5)|center(20)|urlencode|wordcount }})"
              R"({{ 'x%5.2f %r'|format(2.5, s) }}{{ '{:>8} {0[0]}'.format(s) }}{{ l|sum / l|max ** 2 % 3 }})");
  seeds.write("blocks", R"({% set block | upper %}a{{ x }}{% endset %}{% filter lower %}{{ block }}{% endfilter %}
{% with a = 1, b = [1, (2,), {'k': none}] %}{{ a }}{{ b }}{% endwith %}{% raw %}{{ raw }}{% endraw %}
{% generation %}g{% endgeneration %}{# comment #}{% print x, s %}
{%- for a in l recursive %}{{ loop(l[:1]) if loop.depth < 3 }}{{ loop.cycle('a', 'b') }}{% else %}-{% endfor %})");
  seeds.write("errors", R"({% if x is divisibleby 0 %}{% endif %}{{ raise_exception('no ' ~ missing.field) }})");
  seeds.write("strings", R"({{ "\u00e9\n\x41\101"[::-1].upper().encode }}{{ s.rsplit(' ', 1)[0].zfill(9) }}
{{ strftime_now("%d %b %Y %-d") }}{{ range(1, 10, 3)|list }}{{ s.partition(' ') }}{{ s.join(l|map('string')) }})");
}

}  // namespace retort::fuzz
