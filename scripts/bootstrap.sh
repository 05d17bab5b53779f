#!/usr/bin/env bash
# Installs the Debian packages that retort needs, as root or with sudo. Written for Debian 12.
#
# usage: scripts/bootstrap.sh [GROUP...]
#   build   what building and running needs (the default)
#   test    what the tests and the fuzzers need on top
#   check   what scripts/check.sh needs: clang-format, clang-tidy, shellcheck
#   bench   Google Benchmark
#   all     every group
#
# Run again, it finds everything there and ends at once. It changes nothing but the installed packages.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# The compiler, what cmake/RetortDependencies.cmake asks for, and the certificates that downloads are checked with.
build=(g++ cmake ninja-build pkg-config ccache libfmt-dev libspdlog-dev libexpected-dev nlohmann-json3-dev
  libcli11-dev libcurl4-openssl-dev libssl-dev libpcre2-dev libutf8proc-dev libxxhash-dev libedit-dev ca-certificates
  libflint-dev libflint-arb-dev libcalcium-dev libantic-dev libseccomp-dev bubblewrap libsqlite3-dev libtomlplusplus-dev zlib1g-dev)
# SIMDe stands in for AVX-512 on processors without it. clang-14 and its runtime are for libFuzzer; python3 and xz unpack and judge what some tests read and write.
test=(libgtest-dev libsimde-dev clang-14 libclang-rt-14-dev llvm-14 python3 xz-utils util-linux procps)
# binutils: nm, for the ISA symbol check.
check=(git clang-format-14 clang-tidy-14 shellcheck binutils python3)
bench=(libbenchmark-dev)

wanted=()
for group in "${@:-build}"; do
  case $group in
    build) wanted+=("${build[@]}") ;;
    test) wanted+=("${build[@]}" "${test[@]}") ;;
    check) wanted+=("${check[@]}") ;;
    bench) wanted+=("${build[@]}" "${bench[@]}") ;;
    all) wanted+=("${build[@]}" "${test[@]}" "${check[@]}" "${bench[@]}") ;;
    -h | --help)
      print_help
      exit 0
      ;;
    *) usage_error "no group is called '$group'; there are build, test, check, bench and all" ;;
  esac
done
mapfile -t wanted < <(printf '%s\n' "${wanted[@]}" | sort -u)

command -v dpkg-query >/dev/null || die "this is not a Debian system. Install the equivalents of: ${wanted[*]}"

installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p' | sort -u)
mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}") <(printf '%s\n' "$installed"))

if [ "${#missing[@]}" -eq 0 ]; then
  say "packages: all ${#wanted[@]} are installed"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || die "not root and no sudo. As root, run: apt-get install ${missing[*]}"
  as_root=(sudo)
fi
say "packages: installing ${#missing[@]} of ${#wanted[@]}: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >"$log" 2>&1; }
# An old package list, or none, is the usual reason for a failure: renew it before the first try.
apt update || { tail -n 20 "$log"; note "the package lists could not be renewed; going on with those at hand"; }
apt install --no-install-recommends "${missing[@]}" || {
  tail -n 30 "$log"
  die "apt-get could not install the packages (its last lines are above). retort is built on Debian 12 (bookworm)"
}
say "packages: installed"
