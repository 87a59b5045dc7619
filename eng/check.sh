#!/usr/bin/env bash
# What decides: build with warnings as errors, format, all tests, and the server as one native binary that serves. Green before a commit.
#   eng/check.sh            everything
#   eng/check.sh --quick    without the native binary, which takes minutes
# The last line is "N passed, N failed", over all test modules.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

step() { printf '\n== %s\n' "$*"; }

for tool in etcdctl strace node npm; do
  command -v "$tool" >/dev/null || { echo "check: $tool is missing, and the checks need it (Debian: apt-get install etcd-client strace nodejs npm)" >&2; exit 2; }
done

step "specification"
spec/check.sh

step "build"
dotnet build -c Release

step "format"
dotnet format whitespace --no-restore --verify-no-changes

step "words"
# Left over from a merge or a bad day: marks of a conflict, work put off, tests switched off, blanks at the end of a line.
if git grep -nIE '^(<{7}|>{7}) |[[:blank:]]+$|\b(TO''DO|FIX''ME)\b|NotImplemented''Exception|\[(Fact|Theory)\([^]]*Skip''[ ]*=' -- ':!*.svg' ':!test/*/Golden/*'; then
  echo "check: the lines above have what must not stay" >&2
  exit 1
fi

# One module after another: several start clusters of processes, and two cores carry one cluster at a time.
step "tests"
results=$(mktemp)
trap 'rm -f "$results"' EXIT
tests=0
dotnet test -c Release --no-build --max-parallel-test-modules 1 2>&1 | tee "$results" || tests=$?
count() { sed -n "s/^ *$1: *\([0-9][0-9]*\).*/\1/p" "$results" | tail -n 1; }
passed=$(count succeeded)
failed=$(count failed)
skipped=$(count skipped)

binary=0
if [ "${1:-}" != --quick ] && [ "$tests" = 0 ]; then
  step "native binary"
  eng/aot-smoke.sh || binary=$?
fi

[ "$tests" = 0 ] || echo "check: tests failed" >&2
[ "${skipped:-0}" = 0 ] || { echo "check: $skipped tests were skipped for want of a tool, and here all must run" >&2; tests=1; }
[ "$binary" = 0 ] || echo "check: the native binary failed" >&2
echo "${passed:-0} passed, ${failed:-0} failed"
[ "$tests" = 0 ] && [ "$binary" = 0 ]
