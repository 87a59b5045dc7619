#!/usr/bin/env bash
# Checks the specification: always its syntax and hashes, and its state space if TLA2TOOLS_JAR is set to TLC's class path. Reports checks that did not run.
#   spec/check.sh             TLC's counts for every configuration must equal those in expected.json
#   spec/check.sh --record    writes expected.json from TLC's counts; TLC_BUILD identifies the build of TLC
#   spec/check.sh --planted   TLC must find a violation for every bug of planted.json
#   spec/check.sh --traces FILE...   TLC must accept traces of real cores, and reject each when it is altered
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

command -v node >/dev/null || { echo "spec/check.sh: node is not installed (Debian: apt-get install nodejs npm)" >&2; exit 2; }
if ! cmp -s "$here/tools/package-lock.json" "$here/tools/node_modules/.installed"; then
  (cd "$here/tools" && npm ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund --silent && cp package-lock.json node_modules/.installed)
fi

[ "${1:-}" = --record ] || node "$here/tools/syntax.mjs"

if [ -z "${TLA2TOOLS_JAR:-}" ] && [ $# -gt 0 ]; then
  echo "spec/check.sh: $1 needs TLC; set TLA2TOOLS_JAR to its jar" >&2
  exit 2
elif [ -z "${TLA2TOOLS_JAR:-}" ]; then
  echo "SKIPPED: TLC did not run and the configurations were not checked; set TLA2TOOLS_JAR"
elif [ "${1:-}" = --traces ]; then
  shift
  node "$here/tools/traces.mjs" "$@"
else
  node "$here/tools/tlc.mjs" "$@"
fi
