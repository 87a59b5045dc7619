#!/usr/bin/env bash
# Runs two clusters of three nodes on this machine, applies the same load to each, alternating (A B A B ...), and reports medians and ratios.
# bench/README.md says what is measured, and how the harness is checked.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."

usage() {
    cat <<'EOF'
usage: bench/compare.sh [options]

  --a SERVER, --b SERVER   what to compare: etcd, quorate, etcd:PATH or quorate:PATH   (default: etcd and quorate)
  --rounds N               how often each case runs on each side                       (default: 3)
  --duration TIME          measured time of one run                                    (default: 10s)
  --warmup TIME            before each run                                             (default: 2s)
  --cases "CASE ..."       any of put-N, get-l-N, get-s-N; N clients                   (default: all that are committed)
  --memory                 at the end, a million keys on each side, and their memory
  --name NAME              results go to bench/results/archive/<date>-NAME.md and .jsonl (default: A-vs-B)
  --aot                    publish quorate with Native AOT and use that (slow to build)
  --no-build               use what was built before
  --generator FILE         the quorate that generates the load                         (default: the one that was built)
  --directory DIR          parent of the data directories; selects the disk to measure (default: the temp directory)

Uses ports 22000 to 22015 on loopback. Stops all its processes and deletes its data directories; only the results remain.
EOF
}

a=etcd b=quorate rounds=3 duration=10s warmup=2s memory=no name='' aot=no build=yes generator='' parent=${TMPDIR:-/tmp}
cases='put-1 put-64 put-256 get-l-1 get-l-64 get-l-256 get-s-1 get-s-64 get-s-256'
command="bench/compare.sh $*"
while [ $# -gt 0 ]; do
    case $1 in
        --a) a=$2; shift ;;
        --b) b=$2; shift ;;
        --rounds) rounds=$2; shift ;;
        --duration) duration=$2; shift ;;
        --warmup) warmup=$2; shift ;;
        --cases) cases=$2; shift ;;
        --name) name=$2; shift ;;
        --generator) generator=$(realpath "$2"); shift ;;
        --directory) parent=$2; shift ;;
        --memory) memory=yes ;;
        --aot) aot=yes ;;
        --no-build) build=no ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 1 ;;
    esac
    shift
done
name=${name:-${a%%:*}-vs-${b%%:*}}

# The number of keys in the store before the first measurement, and the key space of every case.
keys=100000

# ---- building --------------------------------------------------------------------------------------------------------

say() { printf '%s\n' "$*" >&2; }

if [ "$aot" = yes ]; then
    built=artifacts/publish/Quorate.Cli/release_linux-x64/quorate
    [ "$build" = no ] || dotnet publish -c Release -r linux-x64 src/Quorate.Cli >&2
else
    built=artifacts/bin/Quorate.Cli/release/quorate
    [ "$build" = no ] || dotnet build -c Release src/Quorate.Cli >&2
fi
quorate=$PWD/$built
generator=${generator:-$quorate}

# ---- starting and stopping: by process id, only processes that this script started -----------------------------------

directory=$(mktemp -d "$parent/quorate-compare.XXXXXX")
pids_a='' pids_b=''

stop_all() {
    trap - EXIT INT TERM
    for pid in $pids_a $pids_b; do kill "$pid" 2>/dev/null || true; done
    # A server that does not exit within ten seconds is killed: it must not outlive this script.
    for _ in $(seq 100); do
        local left=no
        for pid in $pids_a $pids_b; do ! kill -0 "$pid" 2>/dev/null || left=yes; done
        [ "$left" = yes ] || break
        sleep 0.1
    done
    for pid in $pids_a $pids_b; do kill -KILL "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$directory"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

endpoints() { echo "127.0.0.1:$1,127.0.0.1:$(($1 + 1)),127.0.0.1:$(($1 + 2))"; }

# start_cluster SIDE SERVER PORT: both servers take etcd's flags, and both run with their defaults.
start_cluster() {
    local side=$1 server=$2 port=$3 cluster='' node run
    case $server in
        etcd) run=(etcd) ;;
        etcd:*) run=("${server#etcd:}") ;;
        quorate) run=("$quorate" server) ;;
        quorate:*) run=("${server#quorate:}" server) ;;
        *) say "unknown server: $server"; exit 1 ;;
    esac
    for node in 0 1 2; do cluster+="${cluster:+,}$side$node=http://127.0.0.1:$((port + 3 + node))"; done
    for node in 0 1 2; do
        "${run[@]}" --name "$side$node" --data-dir "$directory/$side$node" \
            --listen-client-urls "http://127.0.0.1:$((port + node))" --advertise-client-urls "http://127.0.0.1:$((port + node))" \
            --listen-peer-urls "http://127.0.0.1:$((port + 3 + node))" --initial-advertise-peer-urls "http://127.0.0.1:$((port + 3 + node))" \
            --initial-cluster "$cluster" --initial-cluster-token "compare-$side" --initial-cluster-state new \
            >"$directory/$side$node.log" 2>&1 &
        local list=pids_$side
        printf -v "$list" '%s %s' "${!list}" $!
    done
    for _ in $(seq 60); do
        if generate put --endpoints "$(endpoints "$port")" --total 3 --clients 3 --warmup 0s --timeout 2s >/dev/null 2>&1; then return; fi
        sleep 1
    done
    say "$server did not become ready; the end of its log:"
    tail -n 20 "$directory/${side}0.log" >&2
    exit 1
}

# The generator shares the cores with the servers; its idle threads must not spin on them.
generate() { DOTNET_ThreadPool_UnfairSemaphoreSpinLimit=0 "$generator" bench "$@" --key-space "${key_space:-$keys}" -o json; }

# ---- measuring -------------------------------------------------------------------------------------------------------

rss_mib() { for pid in $1; do grep VmRSS "/proc/$pid/status"; done | awk '{ sum += $2 } END { printf "%.1f", sum / 1024 }'; }

cpu_seconds() {
    for pid in $1; do sed 's/.*) //' "/proc/$pid/stat"; done |
        awk -v hz="$(getconf CLK_TCK)" '{ sum += $12 + $13 } END { printf "%.2f", sum / hz }'
}

# field NAME: the first number of that name in the report on stdin; "all" stands before "kinds", so these are the totals.
field() { grep -o "\"$1\":[0-9.eE+-]*" | head -n 1 | cut -d: -f2; }

rows=$directory/rows.tsv
raw=$directory/raw.jsonl
failures=0

# may_go_on STATUS: failed requests (2) are counted and reported; any other code means that nothing was measured.
may_go_on() { [ "$1" = 0 ] || [ "$1" = 2 ] || { say "the generator ended with $1"; exit 1; }; }

# measure CASE ROUND SIDE SERVER PORT PIDS
measure() {
    local case=$1 round=$2 side=$3 server=$4 port=$5 pids=$6 clients=${1##*-} verb report status=0 before
    verb=(put)
    case $case in
        get-l-*) verb=(range --consistency l) ;;
        get-s-*) verb=(range --consistency s) ;;
    esac
    # A single client measures latency: it uses the leader, since otherwise chance decides whether its requests take an extra hop.
    if [ "$clients" = 1 ]; then verb+=(--target-leader); fi
    before=$(cpu_seconds "$pids")
    report=$(generate "${verb[@]}" --endpoints "$(endpoints "$port")" --clients "$clients" --duration "$duration" --warmup "$warmup" --seed "$round") || status=$?
    may_go_on "$status"
    record "$case" "$round" "$side" "$server" "$pids" "$before" "$report"
}

# record CASE ROUND SIDE SERVER PIDS CPU-BEFORE REPORT
record() {
    local cpu rss failed
    cpu=$(awk -v now="$(cpu_seconds "$5")" -v before="$6" 'BEGIN { printf "%.2f", now - before }')
    rss=$(rss_mib "$5")
    failed=$(field failed <<<"$7")
    failures=$((failures + failed))
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$(field perSecond <<<"$7")" "$(field p50Ms <<<"$7")" \
        "$(field p99Ms <<<"$7")" "$rss" "$(field operations <<<"$7")" "$cpu" >>"$rows"
    printf '{"case":"%s","round":%s,"side":"%s","server":"%s","serversRssMiB":%s,"serversCpuSeconds":%s,"report":%s}\n' \
        "$1" "$2" "$3" "$4" "$rss" "$cpu" "$7" >>"$raw"
    say "$(printf '%-10s round %s  %-8s %9.0f op/s  p50 %8.3f ms  p99 %8.3f ms  rss %7.1f MiB  failed %s' "$1" "$2" "$4" \
        "$(field perSecond <<<"$7")" "$(field p50Ms <<<"$7")" "$(field p99Ms <<<"$7")" "$rss" "$failed")"
    [ "$failed" = 0 ] || say "           $(grep -o '"errors":{[^}]*}' <<<"$7")"
}

# fill SIDE SERVER PORT PIDS COUNT: puts COUNT sequential keys.
fill() {
    local before report status=0
    before=$(cpu_seconds "$4")
    report=$(key_space=$5 generate put --endpoints "$(endpoints "$3")" --clients 256 --total "$5" --sequential-keys --warmup 0s --timeout 30s) || status=$?
    may_go_on "$status"
    record "fill-$5" 1 "$1" "$2" "$4" "$before" "$report"
}

# ---- reporting -------------------------------------------------------------------------------------------------------

# median CASE SIDE COLUMN
median() {
    awk -F'\t' -v case="$1" -v side="$2" -v column="$3" '$1 == case && $3 == side { print $column }' "$rows" | sort -g |
        awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# ratio CASE COLUMN: B/A of each round, since what disturbed the machine in one round disturbed both sides; median, minimum and maximum.
ratio() {
    awk -F'\t' -v case="$1" -v column="$2" '
        $1 == case && $3 == "a" { a[$2] = $column }
        $1 == case && $3 == "b" && a[$2] > 0 { print $column / a[$2] }' "$rows" | sort -g |
        awk '{ v[NR] = $1 }
            END {
                if (!NR) { printf "-"; exit }
                printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
                if (NR > 1) printf " (%.2f–%.2f)", v[1], v[NR]
            }'
}

version() {
    case $1 in
        etcd*) "$(cut -s -d: -f2- <<<"$1" | grep . || echo etcd)" --version | head -n 1 ;;
        *) echo "Quorate at $(git rev-parse --short HEAD)$([ -z "$(git status --porcelain -- src)" ] || echo ', with changes')$([ "$aot" = no ] || echo ', Native AOT')" ;;
    esac
}

print_report() {
    echo "# $name"
    echo
    echo "- A: $(version "$a"). B: $(version "$b"). Three nodes each, defaults, every write flushed."
    echo "- Machine: $(nproc) cores ($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)),"
    echo "  $(awk '/MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo) GiB, Linux $(uname -r | cut -d- -f1)," \
        "$(df --output=fstype "$directory" | tail -n 1) for the data directories; servers and load generator share it."
    echo "  Load average before: $load_before."
    echo "- $rounds rounds of $duration after $warmup of warm-up, A and B alternating; medians. 8 B keys, $keys of them, 256 B values."
    echo "  Failed requests: $failures."
    echo "- Date: $(date -u +%Y-%m-%d). Commit of the generator: $(git rev-parse --short HEAD). Command:"
    echo
    echo '  ```'
    echo "  $command"
    echo '  ```'
    echo
    echo "| case | op/s A | op/s B | B/A | p50 ms A | p50 ms B | B/A | p99 ms A | p99 ms B | B/A | RSS MiB A | RSS MiB B | cpu µs/op A | cpu µs/op B |"
    echo "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    local case
    for case in "fill-$keys" $cases $([ "$memory" = no ] || echo fill-1000000); do
        local line="| $case"
        local column va vb
        for column in 4 5 6; do
            va=$(median "$case" a $column) vb=$(median "$case" b $column)
            line+=$(awk -v a="$va" -v b="$vb" -v f="$([ $column = 4 ] && echo %.0f || echo %.2f)" 'BEGIN { printf " | " f " | " f, a, b }')
            line+=" | $(ratio "$case" $column)"
        done
        line+=" | $(median "$case" a 7) | $(median "$case" b 7)"
        echo "$line | $(cpu_per_operation "$case" a) | $(cpu_per_operation "$case" b) |"
    done
    echo
    echo "B/A is the median of the rounds' ratios (minimum–maximum); above 1 is better for throughput, below 1 for latencies. RSS"
    echo "is the sum of the three servers at the end of the case. The servers' processor time includes the warm-up, whose"
    echo "operations are not counted, so it is too high, on both sides alike."
}

cpu_per_operation() {
    awk -F'\t' -v case="$1" -v side="$2" '$1 == case && $3 == side { cpu += $9; n += $8 } END { if (n) printf "%.0f", cpu * 1e6 / n; else printf "-" }' "$rows"
}

# ---- the run ---------------------------------------------------------------------------------------------------------

load_before=$(cut -d" " -f1-3 /proc/loadavg)
say "starting A ($a) and B ($b)"
start_cluster a "$a" 22000
start_cluster b "$b" 22010
fill a "$a" 22000 "$pids_a" $keys
fill b "$b" 22010 "$pids_b" $keys
for case in $cases; do
    for round in $(seq "$rounds"); do
        measure "$case" "$round" a "$a" 22000 "$pids_a"
        measure "$case" "$round" b "$b" 22010 "$pids_b"
    done
done
if [ "$memory" = yes ]; then
    fill a "$a" 22000 "$pids_a" 1000000
    fill b "$b" 22010 "$pids_b" 1000000
fi

mkdir -p bench/results/archive
result=bench/results/archive/$(date -u +%Y-%m-%d)-$name
print_report | tee "$result.md"
cp "$raw" "$result.jsonl"
say "written: $result.md and $result.jsonl"
