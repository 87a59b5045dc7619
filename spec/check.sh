#!/usr/bin/env bash
# Checks the specification: syntax and hashes always, and with TLC where TLA2TOOLS_JAR names it. What did not run says so.
#   spec/check.sh             the counts of every configuration are those of expected.json
#   spec/check.sh --record    writes expected.json; TLC_BUILD says which build of TLC it is
#   spec/check.sh --planted   TLC refuses every bug of planted.json
set -euo pipefail
cd "$(dirname "$0")"

command -v node >/dev/null || { echo "spec/check.sh: node is missing (Debian: apt-get install nodejs npm)" >&2; exit 2; }
if ! cmp -s tools/package-lock.json tools/node_modules/.installed; then
  (cd tools && npm ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund --silent && cp package-lock.json node_modules/.installed)
fi

[ "${1:-}" = --record ] || node tools/syntax.mjs

if [ -n "${TLA2TOOLS_JAR:-}" ]; then
  node tools/tlc.mjs "$@"
else
  echo "SKIPPED: TLC did not run, the configurations were not checked (set TLA2TOOLS_JAR)"
fi
