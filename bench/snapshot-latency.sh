#!/usr/bin/env bash
# Puts while the servers write snapshots of a large state, and while they do not: the same run, the same load.
# bench/README.md says what is measured.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."

usage() {
    cat <<'EOT'
usage: bench/snapshot-latency.sh [options]

  --members N      1 or 3                                                         (default: 3)
  --mib N          the size of the state; values of 1 KiB                         (default: 300)
  --rounds N       measurements                                                   (default: 5)
  --duration TIME  of each; a snapshot is due when the log has grown by a quarter of the state (default: 60s)
  --server FILE    the executable                                                 (default: the one that eng/aot-smoke.sh publishes)
  --port N         the first of 6 ports on loopback                               (default: 23000)
  --directory DIR  parent of the data directories; selects the disk to measure    (default: the temp directory)

Needs the load generator (dotnet build -c Release bench/Quorate.Load) and curl. Stops all its processes and deletes its data directories.
EOT
}

members=3 mib=300 rounds=5 duration=60s server=artifacts/aot/quorate port=23000 parent=${TMPDIR:-/tmp}
command="bench/snapshot-latency.sh $*"
while [ $# -gt 0 ]; do
    case $1 in
        --members) members=$2 ;;
        --mib) mib=$2 ;;
        --rounds) rounds=$2 ;;
        --duration) duration=$2 ;;
        --server) server=$2 ;;
        --port) port=$2 ;;
        --directory) parent=$2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 1 ;;
    esac
    shift 2
done
generator=artifacts/bin/Quorate.Load/release/Quorate.Load
for file in "$server" "$generator"; do [ -x "$file" ] || { echo "snapshot-latency: $file does not exist" >&2; exit 1; }; done

directory=$(mktemp -d "$parent/quorate-snapshot-latency.XXXXXX")
pids=''

# Only processes that this script has started, by their ids.
stop_all() {
    trap - EXIT INT TERM
    for pid in $pids; do kill -KILL "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$directory"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

cluster='' endpoints='' files=''
for ((node = 0; node < members; node++)); do
    cluster+="${cluster:+,}n$node=http://127.0.0.1:$((port + 3 + node))"
    endpoints+="${endpoints:+,}127.0.0.1:$((port + node))"
    files+="${files:+,}$directory/n$node/snapshot-*.new"
done
for ((node = 0; node < members; node++)); do
    "$server" server --name "n$node" --data-dir "$directory/n$node" --initial-cluster "$cluster" \
        --listen-client-urls "http://127.0.0.1:$((port + node))" --advertise-client-urls "http://127.0.0.1:$((port + node))" \
        --listen-peer-urls "http://127.0.0.1:$((port + 3 + node))" --initial-advertise-peer-urls "http://127.0.0.1:$((port + 3 + node))" \
        >"$directory/n$node.log" 2>&1 &
    pids+=" $!"
done
until curl -sf "http://127.0.0.1:$port/health" >/dev/null; do sleep 0.1; done

keys=$((mib * 1024))
put() { "$generator" server put --endpoints "$endpoints" --key-space "$keys" --val-size 1024 --timeout 60s "$@"; }
put --total "$keys" --sequential-keys --clients 256 --warmup 0s | sed -n 2,3p >&2

# Before each measurement, a compaction to the current revision: otherwise the history would grow from round to round.
compact() {
    local revision
    revision=$(curl -sf "http://127.0.0.1:$port/v3/kv/range" -d '{"key":"MA=="}' | grep -oE '"revision": ?"[0-9]+"' | grep -oE '[0-9]+')
    curl -sf "http://127.0.0.1:$port/v3/kv/compaction" -d "{\"revision\":\"$revision\"}" >/dev/null
}
lines() { cat "$directory"/n?.log | grep -c 'written: .* bytes in' || true; }
skip=$(lines)
for ((round = 1; round <= rounds; round++)); do
    compact
    put --clients 64 --duration "$duration" --while-files "$files" -o json >>"$directory/reports.jsonl"
    tail -n 1 "$directory/reports.jsonl" >&2
done

# of ROW FIELD: that field of the row, of all rounds.
of() { grep -oE "\"$1\":\{[^}]*\}" "$directory/reports.jsonl" | grep -oE "\"$2\":[0-9.eE+-]*" | cut -d: -f2; }
ratios() { paste <(of whileFile "$1") <(of otherwise "$1") | awk '$1 > 0 && $2 > 0 { printf "%.2f\n", $1 / $2 }' | sort -g; }
median() { sort -g | awk '{ v[NR] = $1 } END { printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
row() {
    echo "| $1 | $(of whileFile "$1" | median) | $(of otherwise "$1" | median)" \
        "| $(ratios "$1" | median) ($(ratios "$1" | sed -n 1p) to $(ratios "$1" | tail -n 1)) |"
}
echo "- Command: \`$command\`. Commit: $(git rev-parse --short HEAD). Date: $(date -u +%Y-%m-%d)."
echo "- $members members, $keys keys, values of 1 KiB, 64 clients in a closed loop, $rounds rounds of $duration."
cat "$directory"/n?.log | grep 'written: .* bytes in' | sed 's/.*written: \([0-9]*\) bytes in \([0-9.]*\) s.*/\1 \2/' | tail -n "+$((skip + 1))" |
    awk '{ n++; bytes += $1; seconds += $2 } END { printf "- Snapshots written: %d, %.0f MB each, %.0f MB/s while one is written.\n", n, bytes / n / 1e6, bytes / seconds / 1e6 }'
echo "- Puts: $(of whileFile operations | awk '{ n += $1 } END { print n }') while a snapshot was written, $(of otherwise operations | awk '{ n += $1 } END { print n }') otherwise."
echo
echo "| ms | while a snapshot is written | otherwise | ratio, median of the rounds (range) |"
echo "|---|---:|---:|---:|"
row p50Ms
row p99Ms
