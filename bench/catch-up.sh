#!/usr/bin/env bash
# A follower that is far behind receives a snapshot over a slow link, is killed on the way, and catches up: how fast, and what it costs writers.
# bench/README.md says what is measured.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."

usage() {
    cat <<'EOT'
usage: bench/catch-up.sh [options]

  --mib N          how far the follower is behind                                 (default: 1024)
  --mbit N         the speed of the link to the follower; 0: no limit             (default: 20)
  --kills N        how often the follower is killed on the way, by SIGKILL        (default: 10)
  --interval N     seconds between a start of the follower and its end            (default: 35)
  --rate N         writes per second meanwhile, 16 clients, 256 B values          (default: 200)
  --server FILE    the executable                                                 (default: the one that eng/aot-smoke.sh publishes)
  --port N         the first of 8 ports on loopback                               (default: 23000)
  --directory DIR  parent of the data directories; selects the disk to measure    (default: the temp directory)

Needs the load generator (dotnet build -c Release bench/Quorate.Load) and curl. Stops all its processes and deletes its data directories.
EOT
}

mib=1024 mbit=20 kills=10 interval=35 rate=200 server=artifacts/aot/quorate port=23000 parent=${TMPDIR:-/tmp}
command="bench/catch-up.sh $*"
while [ $# -gt 0 ]; do
    case $1 in
        --mib) mib=$2 ;;
        --mbit) mbit=$2 ;;
        --kills) kills=$2 ;;
        --interval) interval=$2 ;;
        --rate) rate=$2 ;;
        --server) server=$2 ;;
        --port) port=$2 ;;
        --directory) parent=$2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 1 ;;
    esac
    shift 2
done
generator=artifacts/bin/Quorate.Load/release/Quorate.Load
for file in "$server" "$generator"; do [ -x "$file" ] || { echo "catch-up: $file does not exist" >&2; exit 1; }; done

directory=$(mktemp -d "$parent/quorate-catch-up.XXXXXX")
pids=(0 0 0) proxy='' load=''

# Only processes that this script has started, by their ids.
stop_all() {
    trap - EXIT INT TERM
    for pid in $load $proxy "${pids[@]}"; do [ "$pid" = 0 ] || kill -KILL "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$directory"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# ---- the cluster: peers reach the third member through the proxy -------------------------------------------------------

peer() { echo "$((port + 3 + $1))"; }
cluster="n0=http://127.0.0.1:$(peer 0),n1=http://127.0.0.1:$(peer 1),n2=http://127.0.0.1:$((port + 6))"
start() {
    local node=$1 advertised
    advertised=$(peer "$node")
    [ "$node" != 2 ] || advertised=$((port + 6))
    "$server" server --name "n$node" --data-dir "$directory/n$node" --initial-cluster "$cluster" \
        --listen-client-urls "http://127.0.0.1:$((port + node))" --advertise-client-urls "http://127.0.0.1:$((port + node))" \
        --listen-peer-urls "http://127.0.0.1:$(peer "$node")" --initial-advertise-peer-urls "http://127.0.0.1:$advertised" \
        >>"$directory/n$node.log" 2>&1 &
    pids[node]=$!
}
stop() { kill -KILL "${pids[$1]}"; wait "${pids[$1]}" 2>/dev/null || true; pids[$1]=0; }
metric() { curl -sf --max-time 2 "http://127.0.0.1:$((port + $1))/metrics" | awk -v name="$2" '$1 == name { printf "%.0f", $2 }'; }
applied() { metric "$1" etcd_server_proposals_applied_total || true; }
leaders() { grep -h 'is the leader$' "$directory/n0.log" | wc -l; }

"$generator" proxy --listen "127.0.0.1:$((port + 6))" --target "127.0.0.1:$(peer 2)" --mbit "$mbit" >"$directory/proxy.txt" &
proxy=$!
for node in 0 1 2; do start $node; done
until curl -sf "http://127.0.0.1:$port/health" >/dev/null && curl -sf "http://127.0.0.1:$((port + 2))/health" >/dev/null; do sleep 0.1; done
stop 2

# ---- the state: values of 8 KiB ----------------------------------------------------------------------------------------

keys=$((mib * 1024 / 8))
"$generator" server put --endpoints "127.0.0.1:$port,127.0.0.1:$((port + 1))" --key-space "$keys" --total "$keys" --sequential-keys --val-size 8192 \
        --clients 256 --warmup 0s --timeout 60s | sed -n 2,3p >&2

# Until the last snapshot is complete: no file of one that is being written.
sleep 5
while compgen -G "$directory/n[01]/snapshot-*.new" >/dev/null; do sleep 1; done
snapshot=$(stat -c %s "$directory"/n0/snapshot-* | sort -n | tail -n 1)
echo "snapshot: $((snapshot >> 20)) MiB; the follower is $(($(applied 0) - 1)) entries behind" >&2

# ---- before, and on the way ------------------------------------------------------------------------------------------

# A window of writes in an open loop at the rate. Prints p50 and p99 in ms.
window() {
    "$generator" server put --endpoints "127.0.0.1:$port,127.0.0.1:$((port + 1))" --clients 16 --rate "$rate" --duration "$1" --warmup 1s \
        --timeout 60s --key-space 10000 -o json >>"$directory/$2.jsonl"
}
column() { grep -o "\"$2\":[0-9.eE+-]*" "$directory/$1.jsonl" | cut -d: -f2; }
median() { sort -g | awk '{ v[NR] = $1 } END { printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

for _ in 1 2 3 4 5; do window 10s before; done
before=$(leaders)
began=$(date +%s.%N)
(
    trap 'exit 0' TERM
    while :; do window 10s during; done
) &
load=$!

for ((kill = 0; kill < kills; kill++)); do
    start 2
    sleep "$interval"
    echo "kill $((kill + 1)): $(du -cm "$directory"/n2/snapshot-* 2>/dev/null | tail -n 1 | cut -f1) MiB received" >&2
    stop 2
done
start 2
until target=$(applied 0); at=$(applied 2); [ -n "$at" ] && [ "$((target - at))" -lt 1000 ]; do
    kill -0 "${pids[2]}" 2>/dev/null || { echo "catch-up: the follower has exited:" >&2; tail "$directory/n2.log" >&2; exit 1; }
    sleep 0.2
done
seconds=$(awk -v from="$began" -v to="$(date +%s.%N)" 'BEGIN { printf "%.1f", to - from }')
kill "$load"
wait "$load" || true
load=''
for _ in 1 2 3; do window 10s after; done
after=$(leaders)
kill "$proxy"
wait "$proxy" || true
proxy=''

b50=$(column before p50Ms | median) b99=$(column before p99Ms | median)
d50=$(column during p50Ms | median) d99=$(column during p99Ms | median)
a50=$(column after p50Ms | median) a99=$(column after p99Ms | median)
echo "- Command: \`$command\`. Commit: $(git rev-parse --short HEAD). Date: $(date -u +%Y-%m-%d)."
echo "- Snapshot: $((snapshot >> 20)) MiB. Link: $mbit Mbit/s. Follower killed $kills times, after $interval s each."
echo "- Caught up after $seconds s: $(awk -v b="$snapshot" -v s="$seconds" 'BEGIN { printf "%.2f", b / s / 1e6 }') MB/s of the snapshot." \
    "Through the proxy: $(sed -n 's/delivered: //p' "$directory/proxy.txt")."
echo "- Leaders elected meanwhile: $((after - before))."
echo "- Failed writes: $(column during failed | awk '{ n += $1 } END { print n + 0 }')."
echo
echo "| writes at $rate/s | p50, ms | p99, ms | windows of 10 s |"
echo "|---|---:|---:|---:|"
echo "| before: the follower is down | $b50 | $b99 | $(wc -l <"$directory/before.jsonl") |"
echo "| while it catches up | $d50 | $d99 | $(wc -l <"$directory/during.jsonl") |"
echo "| after | $a50 | $a99 | $(wc -l <"$directory/after.jsonl") |"
echo "| while / before | $(awk -v a="$d50" -v b="$b50" 'BEGIN { printf "%.2f", a / b }') | $(awk -v a="$d99" -v b="$b99" 'BEGIN { printf "%.2f", a / b }') | |"
