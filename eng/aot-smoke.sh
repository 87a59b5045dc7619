#!/usr/bin/env bash
# Publishes the executable with Native AOT, with warnings as errors, and tests it: flags, gRPC, JSON, health endpoint, a restart with the
# same data directory, and shutdown by SIGTERM. If etcdctl is installed, it is used as a client too.
#   eng/aot-smoke.sh [PORT]      the client port; the peer port is the next one (default 21900)
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
port=${1:-21900}
out=artifacts/aot
work=$(mktemp -d)
pid=
trap '[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null; rm -rf "$work"' EXIT

dotnet publish src/Quorate.Cli -c Release -r linux-x64 -o "$out"
server=$PWD/$out/quorate
ls -l "$server"

fail() { echo "aot-smoke: $*" >&2; [ -f "$work/log" ] && cat "$work/log" >&2; exit 1; }

start() {
  "$server" --name n0 --data-dir "$work/data" --listen-client-urls "http://127.0.0.1:$port" --listen-peer-urls "http://127.0.0.1:$((port + 1))" \
    --initial-advertise-peer-urls "http://127.0.0.1:$((port + 1))" >>"$work/log" 2>&1 &
  pid=$!
  for _ in $(seq 100); do
    curl -sf "http://127.0.0.1:$port/health" >/dev/null && return
    kill -0 "$pid" 2>/dev/null || fail "the server exited before it was healthy"
    sleep 0.1
  done
  fail "not healthy in 10 s"
}

stop() { kill -TERM "$pid"; wait "$pid" || fail "the server exited with $? after SIGTERM"; pid=; }

post() { curl -sf "http://127.0.0.1:$port$1" -d "$2"; }

start
post /v3/kv/put '{"key":"aG9sYQ==","value":"bXVuZG8="}' | grep -q '"revision": "2"' || fail "put over JSON"
post /v3/kv/range '{"key":"aG9sYQ=="}' | grep -q '"value": "bXVuZG8="' || fail "range over JSON"
post /v3/lease/grant '{"TTL":60,"ID":7587862094969311749}' | grep -q '"ID": "7587862094969311749"' || fail "lease grant over JSON"
post /v3/kv/txn '{"compare":[{"key":"aG9sYQ==","target":"VERSION","version":1}],"success":[{"request_put":{"key":"dHhu"}}]}' |
  grep -q '"succeeded": true' || fail "txn over JSON"
post /v3/cluster/member/list '{}' | grep -q '"peerURLs"' || fail "member list over JSON"
curl -sf "http://127.0.0.1:$port/version" | grep -q etcdserver || fail "version"
if command -v etcdctl >/dev/null; then
  export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=127.0.0.1:$port
  [ "$(etcdctl get hola --print-value-only)" = mundo ] || fail "get over gRPC"
  etcdctl txn <<<$'value("hola") = "mundo"\n\nput hola 2\n\nget hola\n' | grep -q SUCCESS || fail "txn over gRPC"
fi
client() { "$server" "$@" --endpoints "127.0.0.1:$port"; }
client put k "a value" | grep -qx OK || fail "quorate put"
[ "$(client get k --print-value-only)" = "a value" ] || fail "quorate get"
client get k -o json | grep -q '"kvs"' || fail "quorate get -o json"
[ "$(client del k)" = 1 ] || fail "quorate del"
client status | grep -q ', true, false, ' || fail "quorate status"
client members -o json | grep -q '"peerURLs"' || fail "quorate members"
"$server" bench put --help >/dev/null || fail "bench --help"
stop

start
post /v3/kv/range '{"key":"aG9sYQ=="}' | grep -q '"count": "1"' || fail "the key is missing after a restart"
stop

printf 'put k v\nget k\nquit\n' | "$server" demo | grep -qx v || fail "the demo"
code=0
"$server" --no-such-flag 2>/dev/null || code=$?
[ "$code" = 1 ] || fail "an unknown flag exited with $code instead of 1"
echo "aot-smoke: passed"
