#!/usr/bin/env bash
# The check that a commit must pass: build with warnings as errors, format, line length, all tests, a smoke test of the native
# binary, and the packages.
#   eng/check.sh            everything
#   eng/check.sh --quick    without the native binary and the packages, which take minutes to build
# The last line of the output is "N passed, N failed", summed over all test modules.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

step() { printf '\n== %s\n' "$*"; }

for tool in etcdctl strace node npm; do
  command -v "$tool" >/dev/null || { echo "check: $tool is not installed (Debian: apt-get install etcd-client strace nodejs npm)" >&2; exit 2; }
done

step "specification"
spec/check.sh

step "build"
dotnet build -c Release

step "format"
dotnet format whitespace --no-restore --verify-no-changes

# Columns are counted in characters, hence the locale.
step "line length"
long=$(
  LC_ALL=C.UTF-8 git grep -nE '^.{141,}' -- '*.cs' '*.csproj' '*.props' '*.proto' || true
  # Markdown: tables, lines with a link, and code blocks may be longer.
  git ls-files -z '*.md' | xargs -0 perl -CSD -ne '
    chomp; $code = !$code if /^\s*```/;
    print "$ARGV:$.:$_\n" if length > 120 && !$code && !/^\s*\|/ && !/\]\(|https?:/;
    if (eof) { close ARGV; $code = 0 }'
)
if [ -n "$long" ]; then
  printf '%s\n' "$long"
  echo "check: the lines above exceed 140 columns (code) or 120 columns (Markdown)" >&2
  exit 1
fi

step "leftovers"
# Conflict markers, to-do comments, disabled tests, and blanks at the end of a line.
if git grep -nIE '^(<{7}|>{7}) |[[:blank:]]+$|\b(TO''DO|FIX''ME)\b|NotImplemented''Exception|\[(Fact|Theory)\([^]]*Skip''[ ]*=' -- ':!*.svg' ':!test/*/Golden/*'; then
  echo "check: the lines above contain conflict markers, to-do comments, disabled tests or trailing blanks" >&2
  exit 1
fi

# Test modules run one at a time: several start clusters of processes, and two cores can run only one cluster at a time.
# They take about 15 minutes. A test that hangs is ended; the last line printed names its module. Tests with the trait Run=OnRequest
# are the documented slow ones (docs/operating/upgrade.md).
step "tests"
results=$(mktemp)
trap 'rm -f "$results"' EXIT
tests=0
QUORATE_TEST_EFFORT=full timeout --kill-after 30 45m dotnet test -c Release --no-build --max-parallel-test-modules 1 --filter-not-trait Run=OnRequest 2>&1 | tee "$results" || tests=$?
count() { sed -n "s/^ *$1: *\([0-9][0-9]*\).*/\1/p" "$results" | tail -n 1; }
passed=$(count succeeded)
failed=$(count failed)
skipped=$(count skipped)

binary=0
packages=0
if [ "${1:-}" != --quick ] && [ "$tests" = 0 ]; then
  step "native binary"
  eng/aot-smoke.sh || binary=$?
  step "packages"
  { eng/pack.sh && eng/package-smoke.sh; } || packages=$?
fi

[ "$tests" = 0 ] || echo "check: tests failed" >&2
[ "${skipped:-0}" = 0 ] || { echo "check: $skipped tests were skipped because a tool is missing; all tests must run" >&2; tests=1; }
[ "$binary" = 0 ] || echo "check: the smoke test of the native binary failed" >&2
[ "$packages" = 0 ] || echo "check: the packages are invalid or do not work" >&2
echo "${passed:-0} passed, ${failed:-0} failed"
[ "$tests" = 0 ] && [ "$binary" = 0 ] && [ "$packages" = 0 ]
