#!/usr/bin/env bash
# The habits of the house, checked by machine. Takes seconds without --tidy.
#
# usage: scripts/check.sh [--fix] [--tidy | --tidy-all]
#   --fix        reformats what clang-format would have otherwise, in place
#   --tidy       also runs clang-tidy over the sources that changed: since the branch left main, or on main itself in the
#                last commit, uncommitted changes included. RETORT_CHECK_BASE names another commit to compare with.
#                Begins no further file after 8 minutes, and says how many were left; the next run takes them up
#   --tidy-all   runs clang-tidy over every source of src/ (up to a minute of one core for a file; what did not change
#                since it passed is not judged again)
#
# format      clang-format over all C++
# includes    who may include whom (scripts/check_includes.py)
# length      no file over 500 lines, unless a line near its top says why: // long-file: REASON
# words       nothing of the machine that a change was made on, no unfinished marks
# shell       bash -n, and shellcheck where it is installed
# symbols     code compiled for one instruction set leaks no symbol that others could pick up (needs a build)
# tidy        clang-tidy, warnings as errors (only with --tidy or --tidy-all)
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

fix=no
tidy=no
for argument in "$@"; do
  case $argument in
    --fix) fix=yes ;;
    --tidy) tidy=changed ;;
    --tidy-all) tidy=all ;;
    -h | --help)
      print_help
      exit 0
      ;;
    *) usage_error "unknown option $argument" ;;
  esac
done

# Tracked files and new ones that are not ignored; an unpacked archive has no git to ask.
if git rev-parse --git-dir >/dev/null 2>&1; then
  mapfile -t files < <(git ls-files --cached --others --exclude-standard | while read -r file; do
    [ -f "$file" ] && printf '%s\n' "$file"
  done)
else
  mapfile -t files < <(find . -path ./build -prune -o -type f -print | sed 's|^\./||')
fi
# matching PATTERN: the files whose path matches the extended regular expression, one a line.
matching() { printf '%s\n' "${files[@]}" | grep -E "$1" || true; }

check_format() {
  command -v clang-format-14 >/dev/null || { echo "clang-format-14 is missing; run scripts/bootstrap.sh check" && return 1; }
  local sources
  mapfile -t sources < <(matching '\.(h|cc)$')
  if [ "$fix" = yes ]; then clang-format-14 -i "${sources[@]}"; fi
  clang-format-14 --dry-run --Werror --ferror-limit=1 "${sources[@]}" 2>&1 | grep -E 'error:' && {
    echo "to fix: scripts/check.sh --fix"
    return 1
  }
  echo "${#sources[@]} files"
}

check_includes() { python3 scripts/check_includes.py; }

check_length() {
  local bad=no file lines
  while read -r file; do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt 500 ] && ! head -n 20 "$file" | grep -qE '^(//|#) long-file: .{10,}'; then
      echo "$file: $lines lines, 500 are allowed. Split it where it holds two ideas, or say near its top why it is one: // long-file: REASON"
      bad=yes
    fi
  done < <(matching '\.(h|cc|py|sh|cmake|ts|tsx)$|CMakeLists\.txt$')
  [ "$bad" = no ]
}

# The brackets keep the patterns from matching this file.
check_words() {
  local bad=no
  # Folders of one machine. Tests may name ../shared, where data that is not the project's own is looked for.
  if printf '%s\0' "${files[@]}" | xargs -0 grep -nIE '(^|[^A-Za-z0-9_.])[/](work|home/[a-z]+|root)[/]' --; then
    echo "these lines name a folder of one machine: make the path relative, or an option"
    bad=yes
  fi
  if matching '^(src|cmake|bench|docs|[^/]*\.md$)' | tr '\n' '\0' | xargs -0 -r grep -nIE '[.][.]/shared' --; then
    echo "these lines name data outside the project: only tests and .ci/run may"
    bad=yes
  fi
  if printf '%s\0' "${files[@]}" | xargs -0 grep -nIE '\b(TO[D]O|FIX[M]E|X[X]X)\b' --; then
    echo "these lines leave something undone: do it, or say in docs/ or an issue what is planned"
    bad=yes
  fi
  [ "$bad" = no ]
}

check_shell() {
  local scripts script bad=no
  mapfile -t scripts < <(
    matching '\.sh$'
    for script in $(matching '^(\.ci|scripts)/[^.]*$'); do head -n 1 "$script" | grep -q '^#!.*bash' && echo "$script"; done
  )
  for script in "${scripts[@]}"; do bash -n "$script" || bad=yes; done
  if command -v shellcheck >/dev/null; then
    shellcheck --external-sources --source-path=SCRIPTDIR --severity=warning "${scripts[@]}" || bad=yes
    [ "$bad" = no ] && echo "${#scripts[@]} scripts"
  else
    echo "${#scripts[@]} scripts by bash -n alone: no shellcheck here (scripts/bootstrap.sh check installs it)"
  fi
  [ "$bad" = no ]
}

check_symbols() {
  if [ ! -x scripts/check_isa_symbols.sh ]; then
    echo "no ISA folder yet" && return 0
  fi
  local build checked=no
  for build in build/release build/dev; do
    [ -f "$build/lib/libretort_kernels.a" ] || continue
    scripts/check_isa_symbols.sh "$build" || return 1
    checked=yes
  done
  [ "$checked" = yes ] || echo "skipped: nothing is built (cmake --preset release && cmake --build --preset release)"
}

# The sources of src/ that differ from where this branch left main.
changed_sources() {
  local base=${RETORT_CHECK_BASE:-} main
  if [ -z "$base" ]; then
    for main in origin/main main; do
      base=$(git merge-base HEAD "$main" 2>/dev/null) && break
    done
    # On main nothing differs from main: then its last commit is what is new.
    if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then base=$(git rev-parse -q --verify HEAD~1); fi
  fi
  { git diff --name-only --diff-filter=d "${base:-HEAD}" && git ls-files --others --exclude-standard; } |
    grep -E '^src/.*\.cc$' | sort -u
}

check_tidy() {
  local build=build/release sources=() budget=()
  [ -f "$build/compile_commands.json" ] || cmake --preset release >/dev/null || return 1
  if [ "$tidy" = changed ] && git rev-parse -q --verify HEAD >/dev/null 2>&1; then
    mapfile -t sources < <(changed_sources)
    [ "${#sources[@]}" -gt 0 ] || { echo "no source changed" && return 0; }
    budget=(--minutes 8)
  else
    mapfile -t sources < <(matching '^src/.*\.cc$')
  fi
  python3 scripts/tidy.py "${budget[@]}" "$build" "${sources[@]}" || {
    echo "to fix: follow the messages; a false alarm is silenced on its line by // NOLINT(check-name): REASON"
    return 1
  }
}

checks=(format includes length words shell symbols)
if [ "$tidy" != no ]; then checks+=(tidy); fi
failed=()
for check in "${checks[@]}"; do
  if output=$("check_$check" 2>&1); then
    say "$check: fine${output:+ ($(printf '%s' "$output" | tail -n 1))}"
  else
    failed+=("$check")
    say "$check: FAILED"
    printf '%s\n' "$output" | sed 's/^/   /'
  fi
done
if [ "${#failed[@]}" -gt 0 ]; then
  say "check.sh: FAILED: ${failed[*]}"
  exit 1
fi
say "check.sh: all ${#checks[@]} checks passed"
