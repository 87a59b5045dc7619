#!/usr/bin/env bash
# Runs two clusters of three nodes on this machine, applies the same load to each, alternating (A B B A ...), and reports medians, ratios,
# and how far two runs of A differ.
# bench/README.md says what is measured, and how the harness is checked.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."

usage() {
    cat <<'EOF'
usage: bench/compare.sh [options]

  --a SERVER, --b SERVER   what to compare                                             (default: etcd and quorate)
                             etcd, etcd:FILE       the one in PATH, or this executable
                             quorate               this checkout
                             quorate:FILE          this executable
                             quorate:DIR           the checkout in this directory
                             quorate:COMMIT        this commit, built in artifacts/compare
  --rounds N               a round runs each case on A, B, B, A                        (default: 3)
  --duration TIME          measured time of one run                                    (default: 10s)
  --warmup TIME            before each run                                             (default: 2s)
  --cases "CASE ..."       any of put-N, get-l-N, get-s-N; N clients                   (default: N of 1, 64, 256, 1000)
  --client raw|grpc        what generates the load: Quorate.Load server (prepared frames over raw sockets),
                           or quorate bench (Grpc.Net.Client)                          (default: raw)
  --memory                 at the end, a million keys on each side, and their memory
  --name NAME              results go to bench/results/archive/<date>-NAME.md and .jsonl (default: A-vs-B)
  --aot                    publish quorate with Native AOT and use that (slow to build)
  --no-build               use what was built before
  --generator FILE         the program of that client, Quorate.Load or quorate         (default: the one that was built)
  --port N                 the first of 16 ports on loopback                           (default: 22000)
  --directory DIR          parent of the data directories; selects the disk to measure (default: the temp directory)

Stops all its processes and deletes its data directories; the results and the builds in artifacts remain.
EOF
}

a=etcd b=quorate rounds=3 duration=10s warmup=2s memory=no name='' aot=no build=yes client=raw generator='' port=22000 parent=${TMPDIR:-/tmp}
cases='put-1 put-64 put-256 put-1000 get-l-1 get-l-64 get-l-256 get-l-1000 get-s-1 get-s-64 get-s-256 get-s-1000'
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
        --client) client=$2; shift ;;
        --port) port=$2; shift ;;
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
case $client in raw|grpc) ;; *) usage >&2; exit 1 ;; esac

# The number of keys in the store before the first measurement, and the key space of every case.
keys=100000

# ---- building --------------------------------------------------------------------------------------------------------

say() { printf '%s\n' "$*" >&2; }

# build_checkout DIR: builds the server of a checkout, and sets $built to its executable. Before the executable was a project of its own,
# it was Quorate.Server.
build_checkout() {
    local project=Quorate.Cli
    [ -d "$1/src/$project" ] || project=Quorate.Server
    [ -d "$1/src/$project" ] || { say "$1 is not a checkout of Quorate: it has no src/$project"; exit 1; }
    if [ "$aot" = yes ]; then
        built=$1/artifacts/publish/$project/release_linux-x64/quorate
        [ "$build" = no ] || (cd "$1" && dotnet publish -c Release -r linux-x64 "src/$project" -v q >&2)
    else
        built=$1/artifacts/bin/$project/release/quorate
        [ "$build" = no ] || (cd "$1" && dotnet build -c Release "src/$project" -v q >&2)
    fi
    [ -x "$built" ] || { say "$built does not exist; run without --no-build"; exit 1; }
}

# resolve SIDE SERVER: sets run_SIDE to the command that starts the server, and version_SIDE to what the report calls it.
resolve() {
    local side=$1 server=$2 given=${2#*:} commit directory
    local -n run=run_$side version=version_$side
    case $server in
        etcd|etcd:*)
            run=("$given")
            version=$("$given" --version | sed -n 1p)
            return ;;
        quorate)
            build_checkout "$PWD"
            version="Quorate at $(git rev-parse --short HEAD)$([ -z "$(git status --porcelain -- src)" ] || echo ', with changes')" ;;
        quorate:*)
            if [ -f "$given" ]; then
                built=$(realpath "$given")
                version="Quorate, $given"
            elif [ -d "$given" ]; then
                build_checkout "$(realpath "$given")"
                version="Quorate in $given"
            elif commit=$(git rev-parse --verify --quiet --short "$given^{commit}"); then
                directory=$PWD/artifacts/compare/$commit
                if [ ! -d "$directory" ]; then
                    mkdir -p "$directory.part"
                    git archive "$commit" | tar -x -C "$directory.part"
                    mv "$directory.part" "$directory"
                fi
                build_checkout "$directory"
                version="Quorate at $commit"
            else
                say "quorate:$given is neither a file, nor a directory, nor a commit"; exit 1
            fi ;;
        *) say "unknown server: $server"; usage >&2; exit 1 ;;
    esac
    run=("$built" server)
    [ "$aot" = no ] || version+=', Native AOT'
}

resolve a "$a"
resolve b "$b"
if [ -z "$generator" ] && [ "$client" = raw ]; then
    generator=$PWD/artifacts/bin/Quorate.Load/release/Quorate.Load
    [ "$build" = no ] || dotnet build -c Release bench/Quorate.Load -v q >&2
elif [ -z "$generator" ]; then
    build_checkout "$PWD"
    generator=$built
fi

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
    local side=$1 server=$2 port=$3 cluster='' node
    local -n run=run_$side
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

# The generator shares the cores with the servers; its idle threads must not spin on them. Both clients take the same options.
generate() {
    local verb=server
    [ "$client" = raw ] || verb=bench
    DOTNET_ThreadPool_UnfairSemaphoreSpinLimit=0 "$generator" "$verb" "$@" --key-space "${key_space:-$keys}" -o json
}

# ---- measuring -------------------------------------------------------------------------------------------------------

# Sets the peak of each process to its current resident memory, so that the next peak is that of one run.
reset_peaks() { for pid in $1; do echo 5 >"/proc/$pid/clear_refs"; done; }

# The sum of the peaks, which the processes may have reached at different times.
peak_rss_mib() { for pid in $1; do grep VmHWM "/proc/$pid/status"; done | awk '{ sum += $2 } END { printf "%.1f", sum / 1024 }'; }

cpu_seconds() {
    for pid in $1; do sed 's/.*) //' "/proc/$pid/stat"; done |
        awk -v hz="$(getconf CLK_TCK)" '{ sum += $12 + $13 } END { printf "%.2f", sum / hz }'
}

# field NAME: the first number of that name in the report on stdin; "all" stands before "kinds", so these are the totals.
field() { grep -o "\"$1\":[0-9.eE+-]*" | head -n 1 | cut -d: -f2 | grep . || echo 0; }

rows=$directory/rows.tsv
raw=$directory/raw.jsonl
failures=0

# may_go_on STATUS: failed requests (2) are counted and reported; any other code means that nothing was measured.
may_go_on() { [ "$1" = 0 ] || [ "$1" = 2 ] || { say "the generator ended with $1"; exit 1; }; }

# measure CASE ROUND RUN SIDE SERVER PORT PIDS: RUN is 1 or 2, since each side runs twice in a round.
measure() {
    local case=$1 round=$2 number=$3 side=$4 server=$5 port=$6 pids=$7 clients=${1##*-} verb report status=0 before
    verb=(put)
    case $case in
        get-l-*) verb=(range --consistency l) ;;
        get-s-*) verb=(range --consistency s) ;;
    esac
    # A single client measures latency: it uses the leader, since otherwise chance decides whether its requests take an extra hop.
    if [ "$clients" = 1 ]; then verb+=(--target-leader); fi
    reset_peaks "$pids"
    before=$(cpu_seconds "$pids")
    report=$(generate "${verb[@]}" --endpoints "$(endpoints "$port")" --clients "$clients" --duration "$duration" --warmup "$warmup" \
        --seed "$((2 * round + number))") || status=$?
    may_go_on "$status"
    record "$case" "$round" "$number" "$side" "$server" "$pids" "$before" "$report"
}

# record CASE ROUND RUN SIDE SERVER PIDS CPU-BEFORE REPORT: a row of tab-separated columns, and the raw report.
#   1 case   2 round   3 side   4 op/s   5 p50   6 p99   7 peak RSS   8 operations that the servers executed   9 their processor time
#   10 operations measured   11 the generator's processor time   12 run
record() {
    local case=$1 round=$2 number=$3 side=$4 server=$5 pids=$6 before=$7 report=$8 cpu rss failed measured executed
    cpu=$(awk -v now="$(cpu_seconds "$pids")" -v before="$before" 'BEGIN { printf "%.2f", now - before }')
    rss=$(peak_rss_mib "$pids")
    failed=$(field failed <<<"$report")
    failures=$((failures + failed))
    measured=$(($(field operations <<<"$report") + failed))
    executed=$((measured + $(field warmupOperations <<<"$report")))
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$case" "$round" "$side" "$(field perSecond <<<"$report")" \
        "$(field p50Ms <<<"$report")" "$(field p99Ms <<<"$report")" "$rss" "$executed" "$cpu" "$measured" \
        "$(field generatorCpuSeconds <<<"$report")" "$number" >>"$rows"
    printf '{"case":"%s","round":%s,"run":%s,"side":"%s","server":"%s","serversPeakRssMiB":%s,"serversCpuSeconds":%s,"report":%s}\n' \
        "$case" "$round" "$number" "$side" "$server" "$rss" "$cpu" "$report" >>"$raw"
    say "$(printf '%-10s round %s  %s %-8s %9.0f op/s  p50 %8.3f ms  p99 %8.3f ms  peak rss %7.1f MiB  failed %s' "$case" "$round" "$side" \
        "$server" "$(field perSecond <<<"$report")" "$(field p50Ms <<<"$report")" "$(field p99Ms <<<"$report")" "$rss" "$failed")"
    [ "$failed" = 0 ] || say "           $(grep -o '"errors":{[^}]*}' <<<"$report")"
}

# fill SIDE SERVER PORT PIDS COUNT: puts COUNT sequential keys.
fill() {
    local before report status=0
    reset_peaks "$4"
    before=$(cpu_seconds "$4")
    report=$(key_space=$5 generate put --endpoints "$(endpoints "$3")" --clients 256 --total "$5" --sequential-keys --warmup 0s --timeout 30s) || status=$?
    may_go_on "$status"
    record "fill-$5" 1 1 "$1" "$2" "$4" "$before" "$report"
}

# ---- reporting -------------------------------------------------------------------------------------------------------

# median CASE SIDE COLUMN
median() {
    awk -F'\t' -v case="$1" -v side="$2" -v column="$3" '$1 == case && $3 == side { print $column }' "$rows" | sort -g |
        awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# compared CASE COLUMN: prints "ratio low high spread-low spread-high".
#   ratio, low, high: median, minimum and maximum of the rounds' own B/A, of the means of the two runs of each side, since what disturbed the
#   machine in one round disturbed both sides.
#   spread-low, spread-high: the A/A spread. In each round the two runs of A give a ratio, and its inverse, as their order means nothing;
#   these are the extremes of all rounds.
# Without both runs of A, the spread is "- -"; without any ratio, nothing is printed.
compared() {
    awk -F'\t' -v case="$1" -v column="$2" '
        $1 == case { value[$2, $3, $12] = $column; if ($2 > rounds) rounds = $2 }
        function mean(round, side) {
            return (round, side, 2) in value ? (value[round, side, 1] + value[round, side, 2]) / 2 : value[round, side, 1]
        }
        END {
            for (round = 1; round <= rounds; round++) {
                if (mean(round, "a") > 0) {
                    ratio = mean(round, "b") / mean(round, "a")
                    for (i = ++n; i > 1 && sorted[i - 1] > ratio; i--) sorted[i] = sorted[i - 1]
                    sorted[i] = ratio
                }
                if ((round, "a", 2) in value && value[round, "a", 1] > 0 && value[round, "a", 2] > 0) {
                    ratio = value[round, "a", 2] / value[round, "a", 1]
                    if (ratio < 1) ratio = 1 / ratio
                    if (ratio > spread) spread = ratio
                }
            }
            if (!n) exit
            printf "%.3f %.3f %.3f ", n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2, sorted[1], sorted[n]
            if (spread) printf "%.3f %.3f\n", 1 / spread, spread; else print "- -"
        }' "$rows"
}

# ratio CASE COLUMN: two table cells, "median (minimum–maximum)" of B/A, and the A/A spread.
ratio() {
    compared "$1" "$2" | awk -v several="$([ "$rounds" -gt 1 ] && [ "${1%%-*}" != fill ] && echo 1 || echo 0)" '
        { printf several ? "%.2f (%.2f–%.2f)" : "%.2f", $1, $2, $3
          if ($4 == "-") printf " | -"; else printf " | %.2f–%.2f", $4, $5 }
        END { if (!NR) printf "- | -" }'
}

# worse_than_spread: the cases in which B is worse than A by more than two runs of A differ.
worse_than_spread() {
    local case column
    for case in $cases; do
        for column in 4 5 6; do
            compared "$case" "$column" | awk -v case="$case" -v column="$column" '
                $4 != "-" && (column == 4 ? $1 < $4 : $1 > $5) {
                    printf "%s %s (%.2f)\n", case, column == 4 ? "op/s" : column == 5 ? "p50" : "p99", $1
                }'
        done
    done | paste -sd, | sed 's/,/, /g'
}

print_report() {
    echo "# $name"
    echo
    echo "- A: $version_a. B: $version_b. Three nodes each, defaults, every write flushed."
    echo "- Machine: $(nproc) cores ($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)),"
    echo "  $(awk '/MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo) GiB, Linux $(uname -r | cut -d- -f1)," \
        "$(df --output=fstype "$directory" | tail -n 1) for the data directories; servers and load generator share it."
    echo "  Load average before: $load_before."
    echo "- $rounds rounds of A, B, B, A; each run takes $duration after $warmup of warm-up; medians of the runs. 8 B keys,"
    echo "  $keys of them at random, 256 B values. Failed requests: $failures."
    echo "- Load generator: $([ "$client" = raw ] && echo 'Quorate.Load server (raw sockets)' || echo 'quorate bench (Grpc.Net.Client)')."
    echo "- Date: $(date -u +%Y-%m-%d). Commit of the generator: $(git rev-parse --short HEAD). Command:"
    echo
    echo '  ```'
    echo "  $command"
    echo '  ```'
    echo
    echo "| case | op/s A | op/s B | B/A | A/A | p50 ms A | p50 ms B | B/A | A/A | p99 ms A | p99 ms B | B/A | A/A" \
        "| peak RSS MiB A | peak RSS MiB B | servers µs/op A | servers µs/op B | generator µs/op A | generator µs/op B |"
    echo "|---|$(printf -- '---:|%.0s' $(seq 18))"
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
        line+=" | $(us_per_operation "$case" a 9 8) | $(us_per_operation "$case" b 9 8)"
        echo "$line | $(us_per_operation "$case" a 11 10) | $(us_per_operation "$case" b 11 10) |"
    done
    echo
    local worse
    worse=$(worse_than_spread)
    echo "B is worse than A by more than two runs of A differ in: ${worse:-no case}."
    echo
    echo "B/A is the median of the rounds' ratios (minimum–maximum); above 1 is better for throughput, below 1 for latencies. A/A"
    echo "is the largest ratio between the two runs of A in one round, and its inverse: a B/A within it shows no difference. Peak"
    echo "RSS is the sum of the three servers' peaks during a run. Processor time per operation is that of the three servers"
    echo "together, and that of the load generator.$([ "$client" = raw ] || echo ' That of the servers includes the warm-up, whose operations are not counted, so it is too high.')"
}

# us_per_operation CASE SIDE CPU-COLUMN OPERATIONS-COLUMN
us_per_operation() {
    awk -F'\t' -v case="$1" -v side="$2" -v cpu="$3" -v operations="$4" '
        $1 == case && $3 == side { seconds += $cpu; n += $operations }
        END { if (n) printf seconds * 1e6 / n < 10 ? "%.1f" : "%.0f", seconds * 1e6 / n; else printf "-" }' "$rows"
}

# ---- the run ---------------------------------------------------------------------------------------------------------

load_before=$(cut -d" " -f1-3 /proc/loadavg)
port_a=$port port_b=$((port + 10))
say "starting A ($version_a) and B ($version_b)"
start_cluster a "$a" "$port_a"
start_cluster b "$b" "$port_b"
fill a "$a" "$port_a" "$pids_a" $keys
fill b "$b" "$port_b" "$pids_b" $keys
for case in $cases; do
    for round in $(seq "$rounds"); do
        measure "$case" "$round" 1 a "$a" "$port_a" "$pids_a"
        measure "$case" "$round" 1 b "$b" "$port_b" "$pids_b"
        measure "$case" "$round" 2 b "$b" "$port_b" "$pids_b"
        measure "$case" "$round" 2 a "$a" "$port_a" "$pids_a"
    done
done
if [ "$memory" = yes ]; then
    fill a "$a" "$port_a" "$pids_a" 1000000
    fill b "$b" "$port_b" "$pids_b" 1000000
fi

mkdir -p bench/results/archive
result=bench/results/archive/$(date -u +%Y-%m-%d)-$name
print_report | tee "$result.md"
cp "$raw" "$result.jsonl"
say "written: $result.md and $result.jsonl"
