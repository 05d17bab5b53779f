#!/usr/bin/env python3
"""Compares `retort render` with Jinja2 itself on random templates. Exit code 77 (skipped) where Jinja2 is missing.

usage: jinja_parity.py RETORT_BINARY [SEED] [TEMPLATES]
"""

import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment
except ImportError:
    print("skipped: this Python has no Jinja2 (pip install jinja2)")
    sys.exit(77)

VARIABLES = {
    "s": "Hello World", "u": "straße ΑΣ 日本 😀", "w": " \t a  b\n c ", "n": 5, "neg": -7, "f": 2.5, "yes": True,
    "nothing": None, "xs": [3, 1, 2], "ys": ["b", "A", "c"], "nested": [[1, 2], [3], []], "d": {"b": 1, "a": "x"},
    "users": [{"name": "Bob", "age": 30}, {"name": "alice", "age": 25}], "empty": "",
}
LITERALS = ["1", "0", "-3", "2.5", "'a'", "''", "true", "none", "[1, 2]", "[]", "{'a': 1}", "(1, 2)", "'x\\ny'"]
NAMES = list(VARIABLES) + ["missing", "x", "y", "ns.v"]
OPERATORS = "+ - * / // % ~ == != < > <= >= in and or".split() + ["not in"]
FILTERS = ["trim", "upper", "length", "list", "join(', ')", "first", "last", "sort", "reverse|list", "string", "tojson",
           "tojson(indent=2)", "int", "float", "abs", "round(1)", "title", "capitalize", "replace('a', 'b')", "e",
           "default('z', true)", "map('string')|list", "select|list", "unique|list", "batch(2)|list", "indent(2)",
           "selectattr('age')|list", "map(attribute='name')|list", "dictsort", "items|list", "truncate(6)", "wordcount"]
TESTS = ["defined", "none", "string", "number", "mapping", "iterable", "sequence", "true", "odd", "in [1, 2, 'a']"]
METHODS = ["strip()", "split()", "split(' ', 1)", "rsplit('o', 1)", "startswith('H')", "endswith(('d', 'x'))", "upper()",
           "replace('l', 'L', 1)", "find('o')", "count('l')", "title()", "partition(' ')", "splitlines()", "zfill(14)",
           "get('a', 7)", "items()", "keys()|list", "isalpha()", "removeprefix('He')", "center(15, '*')", "format(1)"]
SPACES = ["", "", "\n", "  ", "\n  ", "text ", "\n\n"]


class Writer:
    """Writes random templates."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def expression(self, depth):
        if depth <= 0:
            return self.pick(self.pick([LITERALS, NAMES]))
        inner = lambda: self.expression(depth - 1)
        return self.pick([
            lambda: self.pick(NAMES),
            lambda: f"{inner()} {self.pick(OPERATORS)} {inner()}",
            lambda: f"({inner()})",
            lambda: f"not {inner()}",
            lambda: f"{inner()} if {inner()} else {inner()}",
            lambda: f"{inner()}|{self.pick(FILTERS)}",
            lambda: f"{self.pick(NAMES)}|{self.pick(FILTERS)}",
            lambda: f"{inner()} is {self.pick(['', 'not '])}{self.pick(TESTS)}",
            lambda: f"{self.pick(['s', 'u', 'w', 'd', 'xs'])}.{self.pick(METHODS)}",
            lambda: f"{self.pick(NAMES)}[{self.pick(['0', '-1', '1:', '::-1', ':2', '::2'])}]",
            lambda: f"[{inner()}, {inner()}]",
        ])()

    def tag(self, content):
        return "{%" + self.pick(["", "", "-", "+"]) + f" {content} " + self.pick(["", "", "-"]) + "%}"

    def body(self, depth):
        return "".join(self.pick(SPACES) + self.statement(depth) for _ in range(self.random.randrange(1, 3)))

    def statement(self, depth):
        value = lambda: self.expression(1)
        if depth <= 0:
            return "{{" + self.pick(["", "-"]) + f" {self.expression(2)} " + self.pick(["", "-"]) + "}}"
        inner = lambda: self.body(depth - 1) + self.pick(SPACES)
        tag = self.tag
        return self.pick([
            lambda: self.statement(0),
            lambda: tag(f"set {self.pick(['x', 'y', 'ns.v'])} = {value()}"),
            lambda: tag(f"if {value()}") + inner() + tag("else") + inner() + tag("endif"),
            lambda: tag(f"for x in {self.pick(['xs', 'ys', 's', 'range(3)', 'd', '[]'])}") + "{{ loop.index }}"
            "{{ loop.last }}" + inner() + tag("else") + inner() + tag("endfor"),
            lambda: tag(f"for x, y in d.items() if {value()}") + inner() + tag("endfor"),
            lambda: tag("set x") + inner() + tag("endset"),
            lambda: tag("filter upper") + inner() + tag("endfilter"),
            lambda: tag(f"macro m(x, y={value()})") + inner() + tag("endmacro") + "{{ m(1) }}{{ m(2, y=3) }}",
            lambda: "{#" + self.pick(["", "-"]) + " c " + self.pick(["", "-"]) + "#}",
        ])()

    def template(self):
        return "{% set ns = namespace(v=0) %}" + "".join(self.body(2) + self.pick(SPACES) for _ in range(2))


def environment():
    """What transformers' apply_chat_template sets up."""
    result = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    result.filters["tojson"] = tojson
    return result


def reference(jinja, source):
    """The text, or None for any error."""
    try:
        return jinja.from_string(source).render(**json.loads(json.dumps(VARIABLES)))
    except Exception:  # Python's own errors count as much as jinja2's
        return None


def main():
    binary = sys.argv[1]
    writer = Writer(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    jinja = environment()
    agreed = errors = different = 0
    with tempfile.TemporaryDirectory() as folder:
        messages, template = Path(folder, "messages.json"), Path(folder, "template.jinja")
        messages.write_text("[]")
        command = [binary, "render", "--json", "--messages", str(messages), "--chat-template", str(template), "--kwargs",
                   json.dumps(VARIABLES)]
        for i in range(count):
            # Expressions one at a time, since one error hides all else; templates for scopes and white space.
            source = writer.template() if i % 2 else "{{ " + writer.expression(3) + " }}"
            expected = reference(jinja, source)
            if expected is not None and re.search(r"object at 0x|bound method|built-in", expected, re.IGNORECASE):
                continue  # addresses
            template.write_text(source)
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            found = json.loads(run.stdout)["prompt"] if run.returncode == 0 else None
            if found is None and "beyond the 64 bits" in run.stderr:
                continue  # the one difference that is meant
            if found == expected:
                agreed, errors = agreed + 1, errors + (expected is None)
                continue
            different += 1
            print(f"template: {source!r}\n  Jinja2: {expected!r}\n  retort: {found!r} {run.stderr.strip()}")
    print(f"Jinja2 {jinja2.__version__}: {agreed} agree ({errors} of them errors), {different} differ")
    return 1 if different or not agreed else 0


if __name__ == "__main__":
    sys.exit(main())
