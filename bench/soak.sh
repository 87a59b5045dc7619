#!/usr/bin/env bash
# Runs three servers under a mixed load for an hour, and samples the resident memory, disk use, open descriptors and threads of each.
# bench/README.md says what is measured. bench/soak-plot.sh draws the samples.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."

usage() {
    cat <<'EOT'
usage: bench/soak.sh [options]

  --duration TIME      how long the load lasts                                     (default: 60m)
  --rate N             requests per second: two thirds over gRPC, the rest as JSON (default: 900)
  --interval SECONDS   between two samples                                         (default: 10)
  --snapshot-count N   entries of the log between two snapshots                    (default: 30000)
  --server FILE        the executable                                              (default: the one that eng/aot-smoke.sh publishes)
  --port N             the first of 6 ports on loopback                            (default: 23000)
  --directory DIR      parent of the data directories                              (default: the temp directory)
  --samples FILE       where the samples go                                        (default: bench/results/soak.csv)

Needs etcdctl, for watches over gRPC, and the load generator: dotnet build -c Release bench/Quorate.Load.
Stops all its processes and deletes its data directories.
EOT
}

duration=60m rate=900 interval=10 count=30000 server=artifacts/aot/quorate port=23000 parent=${TMPDIR:-/tmp} samples=bench/results/soak.csv
while [ $# -gt 0 ]; do
    case $1 in
        --duration) duration=$2 ;;
        --rate) rate=$2 ;;
        --interval) interval=$2 ;;
        --snapshot-count) count=$2 ;;
        --server) server=$2 ;;
        --port) port=$2 ;;
        --directory) parent=$2 ;;
        --samples) samples=$2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 1 ;;
    esac
    shift 2
done
generator=artifacts/bin/Quorate.Load/release/Quorate.Load
for file in "$server" "$generator"; do [ -x "$file" ] || { echo "soak: $file does not exist" >&2; exit 1; }; done
command -v etcdctl >/dev/null || { echo "soak: etcdctl is not installed (Debian: etcd-client)" >&2; exit 1; }

directory=$(mktemp -d "$parent/quorate-soak.XXXXXX")
cp "$server" "$directory"
cp -r "$(dirname "$generator")" "$directory/generator"
server=$directory/quorate generator=$directory/generator/Quorate.Load
pids='' load=''

# Only processes that this script has started, by their ids.
stop_all() {
    trap - EXIT INT TERM
    for pid in $load $pids; do kill "$pid" 2>/dev/null || true; done
    for _ in $(seq 100); do
        local left=no
        for pid in $load $pids; do ! kill -0 "$pid" 2>/dev/null || left=yes; done
        [ "$left" = yes ] || break
        sleep 0.1
    done
    for pid in $load $pids; do kill -KILL "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$directory"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# ---- the servers -----------------------------------------------------------------------------------------------------

cluster='' endpoints=''
for node in 0 1 2; do
    cluster+="${cluster:+,}n$node=http://127.0.0.1:$((port + 3 + node))"
    endpoints+="${endpoints:+,}127.0.0.1:$((port + node))"
done
for node in 0 1 2; do
    "$server" server --name "n$node" --data-dir "$directory/n$node" --snapshot-count "$count" \
        --listen-client-urls "http://127.0.0.1:$((port + node))" --advertise-client-urls "http://127.0.0.1:$((port + node))" \
        --listen-peer-urls "http://127.0.0.1:$((port + 3 + node))" --initial-advertise-peer-urls "http://127.0.0.1:$((port + 3 + node))" \
        --initial-cluster "$cluster" >"$directory/n$node.log" 2>&1 &
    pids+=" $!"
done
for _ in $(seq 100); do
    ready=0
    for node in 0 1 2; do ! curl -sf "http://127.0.0.1:$((port + node))/health" >/dev/null || ready=$((ready + 1)); done
    [ "$ready" -lt 3 ] || break
    sleep 0.1
done
[ "$ready" = 3 ] || { echo "soak: the servers are not ready; their logs:" >&2; tail "$directory"/n?.log >&2; exit 1; }

# ---- the load --------------------------------------------------------------------------------------------------------

# Over gRPC: puts, gets and transactions, and watches of all keys that begin again every minute, one on each member.
"$server" bench mixed --endpoints "$endpoints" --clients 32 --rate "$((rate * 2 / 3))" --duration "$duration" --warmup 0s --key-space 50000 \
    --reads 0.4 --txns 0.1 --timeout 10s --no-progress >"$directory/grpc.txt" 2>&1 &
grpc=$!
watch_again() {
    local watching=
    trap '[ -z "$watching" ] || kill "$watching" 2>/dev/null; exit 0' TERM
    while :; do
        ETCDCTL_API=3 timeout 60 etcdctl --endpoints "127.0.0.1:$1" watch --prefix '' >/dev/null 2>&1 &
        watching=$!
        wait "$watching" || true
    done
}
watches=''
for node in 0 1 2; do watch_again "$((port + node))" & watches+=" $!"; done

# As JSON: everything else.
"$generator" soak --endpoints "$endpoints" --rate "$((rate / 3))" --duration "$duration" >"$directory/json.txt" 2>&1 &
json=$!
load="$grpc $json $watches"

# ---- the samples -----------------------------------------------------------------------------------------------------

started=$(date +%s)
echo "seconds,member,resident_mib,disk_mib,descriptors,threads,segments,newest_snapshot" >"$samples"
sample() {
    local node=0 pid newest
    for pid in $pids; do
        newest=$(find "$directory/n$node" -name 'snapshot-????????????????-*' ! -name '*.new' -printf '%f\n' 2>/dev/null | sort | tail -n 1 | cut -d- -f2)
        printf '%s,%s,%s,%s,%s,%s,%s,%s\n' "$1" "$node" "$(awk '/^VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/$pid/status")" \
            "$(du -sk "$directory/n$node" 2>/dev/null | awk '{ printf "%.1f", $1 / 1024 }')" "$(find "/proc/$pid/fd" -mindepth 1 | wc -l)" \
            "$(awk '/^Threads/ { print $2 }' "/proc/$pid/status")" "$(find "$directory/n$node" -name 'wal-*' | wc -l)" "$((16#${newest:-0}))"
        node=$((node + 1))
    done >>"$samples"
}
while kill -0 "$json" 2>/dev/null; do
    sample "$(($(date +%s) - started))"
    sleep "$interval" &
    wait $!
done
status=0
wait "$grpc" || status=$?
wait "$json" || status=$?

# ---- the report ------------------------------------------------------------------------------------------------------

echo "gRPC:"
cat "$directory/grpc.txt"
echo
echo "JSON:"
cat "$directory/json.txt"
echo
for node in 0 1 2; do
    echo "member $node: $(cut -d, -f2,8 "$samples" | grep "^$node," | sort -u | wc -l) snapshots seen," \
        "$(grep -c 'is the leader$' "$directory/n$node.log" || true) leaders in its log"
done
echo "exit codes of the load: $status"
exit "$status"
