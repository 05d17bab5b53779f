#!/usr/bin/env python3
"""Holds the modules apart: which folder of src/ may include which, and which may include a library's headers.

The tables below are those of docs/architecture.md ("Who may include whom"). Prints each forbidden include as
FILE:LINE and exits 1 if there is one.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# A module may include itself and core besides.
MODULES = {
    "core": set(),
    "io": set(),
    "text": {"io"},
    "kernels": set(),
    "nn": {"kernels", "io"},
    "engine": {"nn", "kernels", "io"},
    "grade": set(),
    "eval": {"io", "text", "engine", "grade"},
    "cli": {"core", "io", "text", "kernels", "nn", "engine", "grade", "eval"},
}

# Libraries that one module hides from the others: (pattern of the include, modules that may).
LIBRARIES = [
    (r"curl/.*", {"io"}),
    (r"openssl/.*", {"io"}),
    (r"xxh.*\.h", {"io"}),
    (r"pcre2\.h", {"text"}),
    (r"utf8proc\.h", {"text"}),
    (r"(flint|calcium)/.*|(arb|acb|fmpz|fmpq).*\.h", {"grade"}),
    (r"seccomp\.h", {"grade"}),
    (r"sqlite3\.h", {"eval"}),
    (r"toml\+\+/.*", {"eval"}),
    (r"zlib\.h", {"eval"}),
    (r"spdlog/.*", {"core"}),
    (r"omp\.h", {"core"}),
    (r"CLI/.*", {"cli"}),
    (r"(histedit|editline/.*)(\.h)?", {"cli"}),
    (r".*intrin\.h", {"kernels"}),
]

# A file compiled for one instruction set must not emit inline functions of the standard library: the linker may keep
# that copy for everyone, and a lesser processor dies of it. These headers hold types, macros and intrinsics only.
ISA_FOLDERS = {"avx2", "avx512", "simd"}
ISA_SYSTEM_HEADERS = {"immintrin.h", "cstddef", "cstdint", "climits", "cfloat", "cstring", "stddef.h", "stdint.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def complaints_of(path: pathlib.Path):
    relative = path.relative_to(ROOT)
    module = relative.parts[1]
    isa = relative.parts[2] if len(relative.parts) > 3 and relative.parts[2] in ISA_FOLDERS else None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        kind, header = match.groups()
        top = header.split("/")[0]
        where = f"{relative}:{number}: "
        if top in MODULES and "/" in header:
            allowed = MODULES[module] | {module, "core"}
            if top not in allowed:
                yield where + (f"{module} may not include {top} (allowed: {', '.join(sorted(allowed))}); "
                               "move the code to the module that may, or pass what it needs in")
            continue
        if kind == '"':
            yield where + f'"{header}" is no path from src/; write "module/file.h"'
            continue
        for pattern, modules in LIBRARIES:
            if re.fullmatch(pattern, header) and module not in modules:
                yield where + f"<{header}> belongs to {', '.join(sorted(modules))}; use that module's interface"
        if isa and header not in ISA_SYSTEM_HEADERS:
            yield where + (f"<{header}> may emit inline functions compiled for {isa}, which the linker may keep for "
                           f"every processor; allowed there: {', '.join(sorted(ISA_SYSTEM_HEADERS))}")


def main() -> int:
    sources = ROOT / "src"
    count = 0
    complaints = []
    for path in sorted(sources.rglob("*")):
        if path.suffix not in {".h", ".cc", ".inc"}:
            continue
        module = path.relative_to(sources).parts[0]
        if module not in MODULES:
            complaints.append(f"src/{module}: a module that scripts/check_includes.py does not know; add its row there "
                              "and in docs/architecture.md")
            continue
        count += 1
        complaints.extend(complaints_of(path))
    for complaint in dict.fromkeys(complaints):
        print(complaint)
    if not complaints:
        print(f"{count} files include only what their module may")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
