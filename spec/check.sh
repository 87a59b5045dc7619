#!/usr/bin/env bash
# Checks the specification: syntax and hashes always, and with TLC where TLA2TOOLS_JAR names it. What did not run says so.
#   spec/check.sh             the counts of every configuration are those of expected.json
#   spec/check.sh --record    writes expected.json; TLC_BUILD says which build of TLC it is
#   spec/check.sh --planted   TLC refuses every bug of planted.json
#   spec/check.sh --traces FILE...   TLC follows traces of real cores, and refuses each when it was altered on purpose
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

command -v node >/dev/null || { echo "spec/check.sh: node is missing (Debian: apt-get install nodejs npm)" >&2; exit 2; }
if ! cmp -s "$here/tools/package-lock.json" "$here/tools/node_modules/.installed"; then
  (cd "$here/tools" && npm ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund --silent && cp package-lock.json node_modules/.installed)
fi

[ "${1:-}" = --record ] || node "$here/tools/syntax.mjs"

if [ -z "${TLA2TOOLS_JAR:-}" ] && [ $# -gt 0 ]; then
  echo "spec/check.sh: $1 needs TLC, and TLA2TOOLS_JAR does not name it" >&2
  exit 2
elif [ -z "${TLA2TOOLS_JAR:-}" ]; then
  echo "SKIPPED: TLC did not run, the configurations were not checked (set TLA2TOOLS_JAR)"
elif [ "${1:-}" = --traces ]; then
  shift
  node "$here/tools/traces.mjs" "$@"
else
  node "$here/tools/tlc.mjs" "$@"
fi
