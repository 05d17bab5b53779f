# What the scripts share. Sourced, not run: . "$(dirname "$0")/lib.sh"
# shellcheck shell=bash

# The project's root, whatever folder the caller stands in.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '== %s\n' "$*"; }
note() { printf '   %s\n' "$*"; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# Wrong usage: exit code 2, as everywhere in retort.
usage_error() {
  printf '%s: %s (--help lists the options)\n' "$(basename "$0")" "$*" >&2
  exit 2
}

# Prints the comment at the top of the calling script: that is its help.
print_help() { awk 'NR == 1 { next } /^#/ { sub(/^# ?/, ""); print; next } { exit }' "$0"; }

# "7 s", "3 min 20 s"
duration() {
  if [ "$1" -lt 60 ]; then echo "$1 s"; else echo "$(($1 / 60)) min $(($1 % 60)) s"; fi
}

# Configures and builds a preset: build_preset release [target...]. All cores, and one compiler at most per GiB and a
# half of memory, which is what the largest translation unit takes.
build_preset() {
  local preset=$1
  shift
  local jobs memory_gib
  jobs=$(nproc)
  memory_gib=$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)
  local most=$((memory_gib * 2 / 3))
  [ "$most" -ge 1 ] || most=1
  [ "$jobs" -le "$most" ] || jobs=$most
  (cd "$root" && cmake --preset "$preset" >"/tmp/retort-configure-$$.log" 2>&1) || {
    cat "/tmp/retort-configure-$$.log"
    rm -f "/tmp/retort-configure-$$.log"
    return 1
  }
  rm -f "/tmp/retort-configure-$$.log"
  (cd "$root" && cmake --build --preset "$preset" -j "$jobs" ${1:+--target "$@"})
}
