#!/usr/bin/env bash
# Restarts two servers of one node with the same data, alternating, with cold caches: time until they are ready, disk use, resident memory.
# bench/README.md says what is measured.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."

usage() {
    cat <<'EOT'
usage: bench/restart.sh [options]

  --a SERVER, --b SERVER   etcd, etcd:FILE, or quorate:FILE                            (default: etcd, quorate:artifacts/aot/quorate)
  --keys N                 number of keys                                              (default: 1000000)
  --puts N                 number of puts, all keys in sequence, again and again       (default: 4000000)
  --reuse DIR              use the data directories that --keep left in DIR, and keep them
  --histories "H ..."      kept, compacted, or both: restart with the history kept, and compacted (default: both)
  --rounds N               a round restarts A, B, B, A                                 (default: 3)
  --port N                 the first of 4 ports on loopback                            (default: 23000)
  --directory DIR          parent of the data directories; selects the disk to measure (default: the temp directory)
  --keep                   keep the data directories

Needs the load generator (dotnet build -c Release bench/Quorate.Load), curl, and root: it drops the page cache before each start.
Stops all its processes.
EOT
}

a=etcd b=quorate:artifacts/aot/quorate keys=1000000 puts=4000000 reuse='' histories='kept compacted' rounds=3 port=23000 parent=${TMPDIR:-/tmp} keep=no
command="bench/restart.sh $*"
while [ $# -gt 0 ]; do
    case $1 in
        --a) a=$2; shift ;;
        --b) b=$2; shift ;;
        --keys) keys=$2; shift ;;
        --puts) puts=$2; shift ;;
        --rounds) rounds=$2; shift ;;
        --port) port=$2; shift ;;
        --directory) parent=$2; shift ;;
        --histories) histories=$2; shift ;;
        --reuse) reuse=$(realpath "$2") keep=yes; shift ;;
        --keep) keep=yes ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 1 ;;
    esac
    shift
done
generator=artifacts/bin/Quorate.Load/release/Quorate.Load
[ -x "$generator" ] || { echo "restart: $generator does not exist" >&2; exit 1; }
[ -w /proc/sys/vm/drop_caches ] || { echo "restart: only root can drop the page cache" >&2; exit 1; }

directory=${reuse:-$(mktemp -d "$parent/quorate-restart.XXXXXX")}
pid=
cleanup() {
    trap - EXIT INT TERM
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    wait 2>/dev/null || true
    [ "$keep" = yes ] || rm -rf "$directory"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

now() { date +%s.%N; }
since() { awk -v from="$1" -v to="$(now)" 'BEGIN { printf "%.2f", to - from }'; }
rss() { awk '/^VmRSS/ { printf "%.0f", $2 / 1024 }' "/proc/$pid/status"; }
peak() { awk '/^VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/$pid/status"; }
disk() { du -sm "$directory/$1" | cut -f1; }
post() { curl -sf --max-time 60 "http://127.0.0.1:$1$2" -d "$3"; }

# start SIDE SERVER: starts the server, waits for its first successful linearizable read, and sets $ready to the seconds that took.
start() {
    local side=$1 server=$2 began
    client=$port
    [ "$side" = a ] || client=$((port + 2))
    local urls=(--name n0 --data-dir "$directory/$side" --listen-client-urls "http://127.0.0.1:$client"
        --advertise-client-urls "http://127.0.0.1:$client" --listen-peer-urls "http://127.0.0.1:$((client + 1))"
        --initial-advertise-peer-urls "http://127.0.0.1:$((client + 1))" --initial-cluster "n0=http://127.0.0.1:$((client + 1))")
    began=$(now)
    case $server in
        etcd) etcd "${urls[@]}" --quota-backend-bytes 8589934592 >>"$directory/$side.log" 2>&1 & ;;
        etcd:*) "${server#*:}" "${urls[@]}" --quota-backend-bytes 8589934592 >>"$directory/$side.log" 2>&1 & ;;
        quorate:*) "${server#*:}" server "${urls[@]}" >>"$directory/$side.log" 2>&1 & ;;
        *) echo "restart: unknown server $server" >&2; exit 1 ;;
    esac
    pid=$!
    until post "$client" /v3/kv/range "$read" >"$directory/read.json" 2>/dev/null; do
        kill -0 "$pid" 2>/dev/null || { echo "restart: $server has exited; the end of its log:" >&2; tail "$directory/$side.log" >&2; exit 1; }
        sleep 0.02
    done
    ready=$(since "$began")
    grep -Eq '"count": ?"1"' "$directory/read.json" || [ "${empty:-no}" = yes ] || { echo "restart: $server has lost the key" >&2; exit 1; }
}

stop() { kill -TERM "$pid"; wait "$pid" || true; pid=; }

# fill SIDE SERVER
fill() {
    empty=yes start "$1" "$2"
    began=$(now)
    "$generator" server put --endpoints "127.0.0.1:$client" --sequential-keys --key-space "$keys" --total "$puts" --clients 1000 --warmup 0s \
        --timeout 60s | sed -n 2,3p >&2
    sleep 5
    echo "$2: $puts puts in $(since "$began") s; $(rss) MiB resident" >&2
    stop
}

# compact SIDE SERVER: compacts to the last revision. etcd removes the history in the background, hence the wait.
compact() {
    local revision
    start "$1" "$2"
    revision=$(post "$client" /v3/kv/range "$read" | grep -oE '"revision": ?"[0-9]+"' | grep -oE '[0-9]+')
    began=$(now)
    curl -sf --max-time 3600 "http://127.0.0.1:$client/v3/kv/compaction" -d "{\"revision\":\"$revision\",\"physical\":true}" >/dev/null
    echo "$2: compacted to $revision in $(since "$began") s" >&2
    sleep 30
    echo "$2: $(rss) MiB resident" >&2
    stop
}

# The first key, 00000000.
read='{"key":"MDAwMDAwMDA="}'
rows=$directory/rows
restart() {
    local history=$1 side=$2 server=$3 at_ready
    sync
    echo 3 >/proc/sys/vm/drop_caches
    start "$side" "$server"
    at_ready=$(rss)
    sleep 30
    printf '%s %s %s %s %s %s %s\n' "$history" "$side" "$ready" "$at_ready" "$(rss)" "$(peak)" "$(disk "$side")" | tee -a "$rows" >&2
    stop
}

# rounds_of HISTORY
rounds_of() {
    echo "history side ready-s rss-at-ready rss-30s-later peak-rss disk" >&2
    for _ in $(seq "$rounds"); do
        restart "$1" a "$a"
        restart "$1" b "$b"
        restart "$1" b "$b"
        restart "$1" a "$a"
    done
}

median() {
    awk -v history="$1" -v side="$2" -v column="$3" '$1 == history && $2 == side { print $column }' "$rows" | sort -g |
        awk '{ v[NR] = $1 } END { printf "%s", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
range() { awk -v history="$1" -v side="$2" '$1 == history && $2 == side { print $3 }' "$rows" | sort -g | sed -n '1p;$p' | paste -sd- | sed 's/-/ to /'; }
line() {
    echo "| $1 | $3 | $(median "$1" "$2" 3) ($(range "$1" "$2")) | $(median "$1" "$2" 4) | $(median "$1" "$2" 5) | $(median "$1" "$2" 6)" \
        "| $(median "$1" "$2" 7) |"
}

if [ -z "$reuse" ]; then
    fill a "$a"
    fill b "$b"
fi
: >"$rows"
for history in $histories; do
    if [ "$history" = compacted ]; then
        compact a "$a"
        compact b "$b"
    fi
    rounds_of "$history"
done

echo "- $keys keys of 8 B, values of 256 B, $puts puts; the history kept, or compacted to the last revision."
echo "- Machine: $(nproc) cores ($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)), Linux $(uname -r | cut -d- -f1)," \
    "$(df --output=fstype "$directory" | tail -n 1). Load average at the end: $(cut -d' ' -f1-3 /proc/loadavg)."
echo "- Date: $(date -u +%Y-%m-%d). Commit: $(git rev-parse --short HEAD). Command: \`$command\`."
echo
echo "| history | server | ready, s (range) | resident when ready, MiB | 30 s later, MiB | peak until then, MiB | disk, MiB |"
echo "|---|---|---:|---:|---:|---:|---:|"
for history in $histories; do
    line $history a "$a"
    line $history b "$b"
done
